package server

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/store"
)

// platform is the real server, store, blobs and HTTP, with a deployer that keeps
// projects in the store and deploys nothing.
type platform struct {
	url      string
	server   *Server
	store    *store.Store
	blobs    *blob.Dir
	blobPath string
	deployer *deployer
	nomad    *nomadKeys
	log      *lockedBuffer
	// key is that of the first account.
	key string
	// proxy is between clients made from now on and the server, when it is set.
	proxy *cutter
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "fngend.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	blobPath := filepath.Join(t.TempDir(), "blobs")
	blobs, err := blob.Open(blobPath)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	p := &platform{store: s, blobs: blobs, blobPath: blobPath, log: &lockedBuffer{}, nomad: newNomadKeys(t), deployer: &deployer{store: s, proceed: make(chan struct{})}}
	p.server = New(Options{
		Store: s, Blobs: blobs, Deployer: p.deployer, Version: "test",
		Log:         slog.New(slog.NewJSONHandler(p.log, nil)),
		Workloads:   NewWorkloadVerifier(p.nomad.url, p.nomad.client),
		Allocations: p.nomad,
	})
	ts := httptest.NewServer(p.server)
	t.Cleanup(ts.Close)
	p.url = ts.URL
	return p
}

// account makes an account and a client with a key of it.
func (p *platform) account(t *testing.T, email string) (*api.Client, store.Secret) {
	t.Helper()
	a, err := p.store.CreateAccount(t.Context(), store.Actor{}, email)
	if err != nil {
		t.Fatal(err)
	}
	_, secret, err := p.store.CreateKey(t.Context(), store.Actor{}, a.ID, "test")
	if err != nil {
		t.Fatal(err)
	}
	if p.key == "" {
		p.key = secret.Reveal()
	}
	return p.client(t, secret.Reveal()), secret
}

func (p *platform) client(t *testing.T, key string) *api.Client {
	t.Helper()
	address := p.url + "/"
	if p.proxy != nil {
		address = p.proxy.address
	}
	c, err := api.NewClient(address, key, "", "test")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// deployer is the part of package deploy that handlers need.
type deployer struct {
	store *store.Store
	// proceed lets a push go from its first event to its last.
	proceed  chan struct{}
	finished sync.WaitGroup
	statusOf func(store.Project) (api.Status, error)
	// variables are what was asked to be set.
	variables asked
}

func (d *deployer) Push(_ context.Context, _ store.Actor, p store.Project, req api.PushRequest) (<-chan api.Event, error) {
	events := make(chan api.Event)
	d.finished.Go(func() {
		defer close(events)
		events <- api.Event{Phase: &api.Phase{Name: "compile", Message: req.Tree}}
		<-d.proceed
		for range 100 {
			events <- api.Event{Output: &api.Output{Source: "uv", Line: "a line"}}
		}
		if req.Entry == "broken.py" {
			events <- api.Event{Failed: api.NewProblem(api.Refused, "broken.py has faults")}
			return
		}
		events <- api.Event{Done: &api.PushResult{Project: p.Name, Release: 1, Changed: true}}
	})
	return events, nil
}

func (d *deployer) Plan(_ context.Context, p store.Project, req api.PlanRequest) (api.Plan, error) {
	return api.Plan{Project: p.Name, Release: len(req.Requirements)}, nil
}

// Rollback needs no tree; its only event is the end.
func (d *deployer) Rollback(_ context.Context, _ store.Actor, p store.Project, release int) (<-chan api.Event, error) {
	events := make(chan api.Event, 1)
	events <- api.Event{Done: &api.PushResult{Project: p.Name, Release: release}}
	close(events)
	return events, nil
}

// Variables are those that were set last.
func (d *deployer) Variables(_ context.Context, p store.Project) (api.Variables, error) {
	return api.Variables{Project: p.Name, Version: d.variables.Version(), Variables: []api.Variable{}, Missing: []api.EnvUse{}}, nil
}

func (d *deployer) SetVariables(_ context.Context, _ store.Actor, p store.Project, req api.SetVariables) (<-chan api.Event, error) {
	d.variables.set(req)
	events := make(chan api.Event, 1)
	events <- api.Event{Done: &api.PushResult{Project: p.Name, Variables: &api.VariablesResult{Version: d.variables.Version()}}}
	close(events)
	return events, nil
}

func (d *deployer) Releases(_ context.Context, p store.Project) ([]api.Release, error) {
	return []api.Release{{Release: 1, State: "live", By: p.Name}}, nil
}

func (d *deployer) Status(_ context.Context, p store.Project) (api.Status, error) {
	if d.statusOf != nil {
		return d.statusOf(p)
	}
	return api.Status{Project: p.Name, State: "empty", Functions: []api.FunctionStatus{}}, nil
}

func (d *deployer) List(page []store.Summary) ([]api.Project, error) {
	out := []api.Project{}
	for _, p := range page {
		out = append(out, api.Project{Name: p.Name, State: "empty", CreatedAt: p.CreatedAt})
	}
	return out, nil
}

func (d *deployer) Destroy(ctx context.Context, actor store.Actor, p store.Project) (api.Destroyed, error) {
	removed, err := d.store.DeleteProject(ctx, actor, p.ID)
	return api.Destroyed{Project: p.Name, Jobs: []string{}, Releases: removed.Releases}, err
}

func (d *deployer) Create(ctx context.Context, actor store.Actor, name string) (store.Project, error) {
	return d.store.CreateProject(ctx, actor, name)
}

func (d *deployer) LiveStatic(_ context.Context, p store.Project) ([]string, error) {
	return []string{"static-of-" + p.Name}, nil
}

func (d *deployer) Platform(context.Context) (api.Platform, error) {
	return api.Platform{Version: "test", Domain: "fngen.localhost", Regions: []string{"eu"}, Pythons: []string{"3.11"}, Powers: []string{"webapp"}}, nil
}

// lockedBuffer is a log that tests read while the server writes.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// neverEnds stands for "it never happens", however busy the machine is.
const neverEnds = 2 * time.Minute

// within polls until f is true, and fails the test after a while.
func within(t *testing.T, what string, f func() bool) {
	t.Helper()
	deadline := time.Now().Add(neverEnds)
	for !f() {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not happen", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
