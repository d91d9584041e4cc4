package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/store"
)

// player is a Deployer without a cluster. A push sends the events of the tree's
// events.ndjson, one a line; the line "hold" keeps the push going until the test
// ends, "cut" ends the stream without a result, and "cut STATE ..." makes a release that
// has these states after that.
type player struct {
	store *store.Store
	blobs *blob.Dir

	mu   sync.Mutex
	live map[string]api.PushResult
	// cut are the states of the last release, one for each time that somebody asks.
	cut map[string][]string
	// kept are the events of a release that goes on after its stream has broken off.
	kept   map[string][]api.Event
	closed chan struct{}
	// set are variables, versions their versions, values the file of those that were
	// set last.
	set      map[string]map[string]string
	versions map[string]int
	values   string
}

func (p *player) LiveStatic(context.Context, store.Project) ([]string, error) { return nil, nil }

func (p *player) Platform(context.Context) (api.Platform, error) {
	return api.Platform{
		Version: api.Version, Domain: "fngen.localhost", Pythons: []string{"3.11"},
		Regions: []string{"us-west", "eu-central"}, DefaultRegion: "us-west", Powers: []string{"webapp"},
	}, nil
}

func (p *player) Create(ctx context.Context, actor store.Actor, name string) (store.Project, error) {
	if !ir.ValidProjectName(name) {
		return store.Project{}, api.NewProblem(api.Invalid, "%q cannot be a project's name", name)
	}
	return p.store.CreateProject(ctx, actor, name)
}

func (p *player) Push(ctx context.Context, _ store.Actor, project store.Project, req api.PushRequest) (<-chan api.Event, error) {
	m, err := p.store.Tree(ctx, project.ID, req.Tree)
	if err != nil {
		return nil, err
	}
	view, err := p.blobs.View(project.Scope())
	if err != nil {
		return nil, err
	}
	defer view.Close()
	script := quietPush
	for _, f := range m.Files {
		if f.Path != "events.ndjson" {
			continue
		}
		r, err := view.OpenKept(f.SHA256)
		if errors.Is(err, blob.ErrLost) {
			return nil, api.NewProblem(api.TreeMissing, "the platform has lost %s", f.Path)
		}
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			return nil, err
		}
		script = string(data)
	}
	events := make(chan api.Event)
	go p.play(project.Name, script, events)
	return events, nil
}

func (p *player) play(project, script string, events chan<- api.Event) {
	defer close(events)
	lines := bufio.NewScanner(strings.NewReader(script))
	goesOn := false
	p.mu.Lock()
	p.kept[project] = []api.Event{}
	p.mu.Unlock()
	for lines.Scan() {
		switch lines.Text() {
		case "goes on":
			goesOn = true
			continue
		case "hold":
			<-p.closed
			return
		case "cut":
			return
		}
		if states, ok := strings.CutPrefix(lines.Text(), "cut "); ok {
			p.mu.Lock()
			p.cut[project] = strings.Fields(states)
			p.mu.Unlock()
			return
		}
		e := api.Event{Time: time.Now()}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			e.Failed = api.NewProblem(api.Internal, "events.ndjson: %v", err)
		}
		if e.Done != nil {
			p.mu.Lock()
			p.live[project] = *e.Done
			p.mu.Unlock()
		}
		p.mu.Lock()
		p.kept[project] = append(p.kept[project], e)
		p.mu.Unlock()
		if !goesOn {
			events <- e
		}
	}
}

// Plan answers with the plan of the tree's requirements: none is there, so it
// shows one of everything.
func (p *player) Plan(_ context.Context, project store.Project, req api.PlanRequest) (api.Plan, error) {
	if req.Project.Functions[0].Name == "unchanged" {
		return api.Plan{Project: project.Name, Tree: req.Tree, Seal: strings.Repeat("0", 64), Live: 4, Release: 4, Servers: []api.PlannedServer{{Name: "default", Size: "s", Region: "us-west", Count: 1, Action: api.None, USDMonth: 6, Functions: 1, Room: 14}}, Cost: api.PlannedCost{Before: 6, After: 6}}, nil
	}
	return api.Plan{
		Project: project.Name, Tree: req.Tree, Seal: strings.Repeat("0", 64), Changed: true, Live: 4, Release: 5,
		Functions: []api.PlannedFunction{
			{Name: "old", Power: "webapp", File: "old.py", Line: 3, Action: api.Remove},
			{Name: req.Project.Functions[0].Name, Signature: "(limit: int = 3)", Power: "webapp", File: "a|b.py", Line: 4, Action: api.Update, Changes: []string{"code", "health: / -> /up_*"}},
		},
		Commands: []api.PlannedCommand{{Function: "live_app", Command: "python manage.py migrate | tee `x`"}},
		Jobs: []api.PlannedJob{
			{ID: "web-old", Action: api.Stop, Functions: []string{"old"}, Placement: api.Placement{OK: true}, Diff: "--- live\n+++ planned\n-job \"web-old\" {\n"},
			{
				ID: "web-live_app", Action: api.Update, Functions: []string{"live_app"}, HCL: "job \"web-live_app\" {\n}\n",
				Groups:    []api.PlannedGroup{{Server: "web", Replace: 2, Start: 1, Keep: 1}, {Server: "big", Keep: 1}},
				Placement: api.Placement{Reasons: []string{"server \"web\", needs 480 MB: of 3 nodes, 2 without enough memory"}},
				Diff:      "--- live\n+++ planned\n@@ -1,3 +1,3 @@\n         \"--file=a.py\",\n-        \"--tree=sha256:0\",\n+        \"--tree=sha256:1\",\n",
			},
			{ID: "web-same", Action: api.None, Functions: []string{"same"}, Placement: api.Placement{OK: true}, HCL: "job \"web-same\" {\n}\n"},
		},
		Routes: []api.PlannedRoute{
			{URL: "https://blog.fngen.localhost", Action: api.Move, Function: "live_app", From: "old"},
			{URL: "https://live-app--blog.fngen.localhost", Action: api.None, Function: "live_app"},
			{URL: "https://old--blog.fngen.localhost", Action: api.Remove, Function: "old"},
		},
		Queues:       []api.PlannedQueue{{Name: "resize", Action: api.Create}},
		Dependencies: api.PlannedDependencies{Action: api.Create, Dependencies: api.Dependencies{Files: []string{"requirements.txt"}}},
		Static:       []api.PlannedStatic{{Settings: "mysite.settings", Action: api.Create}},
		Env:          api.PlannedEnv{Missing: []api.EnvUse{{Name: "DATABASE_URL", File: "settings.py", Line: 12}}},
		Servers: []api.PlannedServer{
			{Name: "web", Size: "s", Region: "us-west", Count: 3, Action: api.Update, USDMonth: 18, Functions: 2, Room: 14},
			{Name: "old", Size: "xs", Region: "us-west", Count: 1, Action: api.Remove, USDMonth: 4, Room: 6},
		},
		Cost: api.PlannedCost{Before: 10, After: 18},
	}, nil
}

// Variables are the names that were set, without those of a release.
func (p *player) Variables(_ context.Context, project store.Project) (api.Variables, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := api.Variables{Project: project.Name, Version: p.versions[project.Name], Variables: []api.Variable{}, Missing: []api.EnvUse{{Name: "DATABASE_URL", File: "settings.py", Line: 12}}}
	for _, name := range slices.Sorted(maps.Keys(p.set[project.Name])) {
		out.Variables = append(out.Variables, api.Variable{
			Name: name, Version: 1, SetAt: time.Unix(1700000000, 0).UTC(), SetBy: "user@example.com",
			Reads: []api.VariableRead{{Functions: []string{"live_app", "other"}, File: "app.py", Line: 3}, {Functions: []string{"live_app"}, File: "app.py", Line: 9}, {File: "lib.py", Line: 1}},
		})
	}
	return out, nil
}

// SetVariables keeps them, and writes values to the file that a test reads. Somebody else
// sets SLOW at the same time.
func (p *player) SetVariables(_ context.Context, _ store.Actor, project store.Project, req api.SetVariables) (<-chan api.Event, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, slow := req.Set["SLOW"]; slow {
		return nil, api.NewProblem(api.Drifted, "other@example.com has changed the variables of %q meanwhile", project.Name).WithHelp("nothing was changed")
	}
	if p.set[project.Name] == nil {
		p.set[project.Name] = map[string]string{}
	}
	p.versions[project.Name]++
	result := api.VariablesResult{Version: p.versions[project.Name], Added: []string{}, Changed: []string{}, Removed: req.Unset, RolledOut: !req.NoRollout}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(req.Set)) {
		if _, had := p.set[project.Name][name]; had {
			result.Changed = append(result.Changed, name)
		} else {
			result.Added = append(result.Added, name)
		}
		p.set[project.Name][name] = req.Set[name].Reveal()
		fmt.Fprintf(&text, "%s=%q\n", name, req.Set[name].Reveal())
	}
	for _, name := range req.Unset {
		delete(p.set[project.Name], name)
	}
	if err := os.WriteFile(p.values, []byte(text.String()), 0o600); err != nil {
		return nil, err
	}
	events := make(chan api.Event, 1)
	events <- api.Event{Done: &api.PushResult{Project: project.Name, Release: 8, Changed: true, Variables: &result}}
	close(events)
	return events, nil
}
