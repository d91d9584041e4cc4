package cli

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/server"
	"fngen.dev/fngen/pkg/server/workload"
	"fngen.dev/fngen/pkg/store"
)

// TestOnline runs every script of testdata/online against the real server, its
// store and its blobs. Only the cluster is not there: what a push does is played
// from the file events.ndjson of the pushed tree (see player).
func TestOnline(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/online",
		UpdateScripts: *update,
		Cmds:          scriptCommands,
		Setup:         startPlatform,
	})
}

// startPlatform starts a platform with one account, whose key is FNGEN_API_KEY,
// and a second one, whose key is OTHER_KEY. Its requests are in requests.txt.
func startPlatform(env *testscript.Env) error {
	ctx := context.Background()
	dir := env.T().(interface{ TempDir() string }).TempDir()
	st, err := store.Open(ctx, dir+"/fngend.db")
	if err != nil {
		return err
	}
	blobs, err := blob.Open(dir + "/blobs")
	if err != nil {
		return err
	}
	p := &player{store: st, blobs: blobs, live: map[string]api.PushResult{}, cut: map[string][]string{}, kept: map[string][]api.Event{}, set: map[string]map[string]string{}, versions: map[string]int{}, values: env.WorkDir + "/values.txt", closed: make(chan struct{})}
	web := httptest.NewServer(noted(env.WorkDir+"/requests.txt", server.New(server.Options{
		Store: st, Blobs: blobs, Deployer: p, Version: api.Version,
		Workloads: workload.NewVerifier("http://127.0.0.1:1", nil),
		Log:       slog.New(slog.DiscardHandler),
	})))
	env.Defer(func() {
		close(p.closed)
		web.Close()
		blobs.Close()
		st.Close()
	})
	isolate(env, web.URL)
	env.Setenv("BLOBS", dir+"/blobs")
	ci, err := filepath.Abs(ciDir)
	if err != nil {
		return err
	}
	env.Setenv("CI_DIR", ci)
	// In this order: the numbers of keys are shown.
	for _, variable := range []string{"FNGEN_API_KEY", "OTHER_KEY"} {
		email := map[string]string{"FNGEN_API_KEY": "user@example.com", "OTHER_KEY": "other@example.com"}[variable]
		account, err := st.CreateAccount(ctx, store.Actor{}, email)
		if err != nil {
			return err
		}
		_, key, err := st.CreateKey(ctx, store.Actor{}, account.ID, "test")
		if err != nil {
			return err
		}
		env.Setenv(variable, key.Reveal())
	}
	return nil
}

// noted writes a line for each request, with the length of its body, -1 for a
// stream.
func noted(path string, next http.Handler) http.Handler {
	var mu sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err == nil {
			fmt.Fprintf(f, "%s %s %d\n", r.Method, r.URL.Path, r.ContentLength)
			err = f.Close()
		}
		mu.Unlock()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// quietPush is played for a tree without events.ndjson.
const quietPush = `{"done":{"project":"blog","release":7,"changed":true,"functions":[{"name":"live_app","power":"webapp","file":"app.py","line":5,"url":"https://blog.fngen.localhost"}],"diagnostics":[]}}`

// Rollback brings back release 1, and has no other.
func (p *player) Rollback(_ context.Context, _ store.Actor, project store.Project, release int) (<-chan api.Event, error) {
	if release > 1 {
		return nil, api.NewProblem(api.NotFound, "project %q has no release %d", project.Name, release)
	}
	events := make(chan api.Event)
	go p.play(project.Name, `{"phase":{"name":"rollout","message":"starting live_app"}}`+"\n"+strings.Replace(quietPush, `"release":7`, `"release":1`, 1), events)
	return events, nil
}

func (p *player) Releases(ctx context.Context, project store.Project) ([]api.Release, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	live, ok := p.live[project.Name]
	if states := p.cut[project.Name]; len(states) > 0 {
		p.cut[project.Name] = states[min(1, len(states)-1):]
		tree, err := p.store.LatestTree(ctx, project.ID)
		return []api.Release{{Release: 8, State: states[0], Tree: tree.Digest(), CreatedAt: time.Now(), Reason: "the control plane stopped\nand more"}}, err
	}
	if !ok {
		return []api.Release{}, nil
	}
	at := time.Unix(1700000000, 0).UTC()
	return []api.Release{
		{Release: live.Release + 1, State: "failed", By: "user@example.com", CreatedAt: at, Functions: []string{"live_app"}, Reason: "live_app did not come up: \x1b[31mit exited\nwith code 1"},
		{Release: live.Release, State: "live", By: "user@example.com", CreatedAt: at, LiveAt: &at, Functions: []string{"live_app", "other"}},
	}, nil
}

// Events are those of the live release; of one that was cut off none are kept.
func (p *player) Events(_ context.Context, project store.Project, release int, follow bool) (<-chan api.Event, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	live, ok := p.live[project.Name]
	if !ok || live.Release != release {
		return nil, api.NewProblem(api.NotFound, "project %q has no release %d", project.Name, release)
	}
	if follow {
		kept := make(chan api.Event, len(p.kept[project.Name]))
		for _, e := range p.kept[project.Name] {
			kept <- e
		}
		close(kept)
		return kept, nil
	}
	at := time.Unix(1700000000, 0).UTC()
	events := make(chan api.Event, 3)
	events <- api.Event{Time: at, Phase: &api.Phase{Name: "layer", Message: "installing the requirements"}}
	events <- api.Event{Time: at.Add(time.Second), Output: &api.Output{Source: "uv", Line: "\x1b[31mInstalled 1 package"}}
	events <- api.Event{Time: at.Add(2 * time.Second), Release: release, Done: &live}
	close(events)
	return events, nil
}

func (p *player) Status(_ context.Context, project store.Project) (api.Status, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	live, ok := p.live[project.Name]
	if !ok {
		return api.Status{Project: project.Name, State: "empty", Functions: []api.FunctionStatus{}}, nil
	}
	out := api.Status{Project: project.Name, State: "live", Release: live.Release, URL: live.Functions[0].URL}
	for i, f := range live.Functions {
		out.Functions = append(out.Functions, api.FunctionStatus{Name: f.Name, Power: f.Power, URL: f.URL, Instances: []api.InstanceStatus{{
			Server: "web", Size: "s", Region: "us-west", Allocation: fmt.Sprintf("8ba85ce%d-0d0c-4d4f-8d0f-000000000000", i),
			Node: "node-1", State: "running", Healthy: i == 0, Release: live.Release, StartedAt: time.Unix(1700000000, 0).UTC(), Refused: 312 * i,
		}}})
	}
	return out, nil
}

func (p *player) List(projects []store.Summary) ([]api.Project, error) {
	out := []api.Project{}
	for _, project := range projects {
		s, err := p.Status(context.Background(), project.Project)
		if err != nil {
			return nil, err
		}
		out = append(out, api.Project{Name: s.Project, URL: s.URL, Release: s.Release, State: s.State, CreatedAt: time.Unix(1700000000, 0).UTC()})
	}
	return out, nil
}

func (p *player) Destroy(ctx context.Context, actor store.Actor, project store.Project) (api.Destroyed, error) {
	n, size, err := p.blobs.DeleteScope(project.Scope())
	if err != nil {
		return api.Destroyed{}, err
	}
	removed, err := p.store.DeleteProject(ctx, actor, project.ID)
	return api.Destroyed{Project: project.Name, Jobs: []string{"web-live_app"}, Variables: append([]string{}, slices.Sorted(maps.Keys(p.set[project.Name]))...), Releases: removed.Releases, Layers: removed.Layers, Blobs: n, Bytes: size}, err
}
