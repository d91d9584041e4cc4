package servertest

import (
	"context"
	"sync"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// Deployer is the part of package deploy that handlers need.
type Deployer struct {
	Store *store.Store
	// Proceed lets a push go from its first event to its last.
	Proceed  chan struct{}
	Finished sync.WaitGroup
	StatusOf func(store.Project) (api.Status, error)
	// Asked is what was asked to be set.
	Asked Asked
}

func (d *Deployer) Push(_ context.Context, _ store.Actor, p store.Project, req api.PushRequest) (<-chan api.Event, error) {
	events := make(chan api.Event)
	d.Finished.Go(func() {
		defer close(events)
		events <- api.Event{Phase: &api.Phase{Name: "compile", Message: req.Tree}}
		<-d.Proceed
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

func (d *Deployer) Plan(_ context.Context, p store.Project, req api.PlanRequest) (api.Plan, error) {
	return api.Plan{Project: p.Name, Release: len(req.Requirements)}, nil
}

// Rollback needs no tree; its only event is the end.
func (d *Deployer) Rollback(_ context.Context, _ store.Actor, p store.Project, release int) (<-chan api.Event, error) {
	events := make(chan api.Event, 1)
	events <- api.Event{Done: &api.PushResult{Project: p.Name, Release: release}}
	close(events)
	return events, nil
}

// Variables are those that were set last.
func (d *Deployer) Variables(_ context.Context, p store.Project) (api.Variables, error) {
	return api.Variables{Project: p.Name, Version: d.Asked.Version(), Variables: []api.Variable{}, Missing: []api.EnvUse{}}, nil
}

func (d *Deployer) SetVariables(_ context.Context, _ store.Actor, p store.Project, req api.SetVariables) (<-chan api.Event, error) {
	d.Asked.set(req)
	events := make(chan api.Event, 1)
	events <- api.Event{Done: &api.PushResult{Project: p.Name, Variables: &api.VariablesResult{Version: d.Asked.Version()}}}
	close(events)
	return events, nil
}

func (d *Deployer) Releases(_ context.Context, p store.Project) ([]api.Release, error) {
	return []api.Release{{Release: 1, State: "live", By: p.Name}}, nil
}

// Events are those of a release that has ended; there are 99 of them.
func (d *Deployer) Events(_ context.Context, p store.Project, release int, _ bool) (<-chan api.Event, error) {
	if release > 99 {
		return nil, api.NewProblem(api.NotFound, "project %q has no release %d", p.Name, release)
	}
	events := make(chan api.Event, 1)
	events <- api.Event{Release: release, Done: &api.PushResult{Project: p.Name, Release: release, Changed: true}}
	close(events)
	return events, nil
}

func (d *Deployer) Status(_ context.Context, p store.Project) (api.Status, error) {
	if d.StatusOf != nil {
		return d.StatusOf(p)
	}
	return api.Status{Project: p.Name, State: "empty", Functions: []api.FunctionStatus{}}, nil
}

func (d *Deployer) List(page []store.Summary) ([]api.Project, error) {
	out := []api.Project{}
	for _, p := range page {
		out = append(out, api.Project{Name: p.Name, State: "empty", CreatedAt: p.CreatedAt})
	}
	return out, nil
}

func (d *Deployer) Destroy(ctx context.Context, actor store.Actor, p store.Project) (api.Destroyed, error) {
	removed, err := d.Store.DeleteProject(ctx, actor, p.ID)
	return api.Destroyed{Project: p.Name, Jobs: []string{}, Releases: removed.Releases}, err
}

func (d *Deployer) Create(ctx context.Context, actor store.Actor, name string) (store.Project, error) {
	return d.Store.CreateProject(ctx, actor, name)
}

func (d *Deployer) LiveStatic(_ context.Context, p store.Project) ([]string, error) {
	return []string{"static-of-" + p.Name}, nil
}

func (d *Deployer) Platform(context.Context) (api.Platform, error) {
	return api.Platform{Version: "test", Domain: "fngen.localhost", Regions: []string{"eu"}, Pythons: []string{"3.11"}, Powers: []string{"webapp"}}, nil
}

// Asked are the changes of variables that the deployer was asked for.
type Asked struct {
	mu   sync.Mutex
	List []api.SetVariables
}

func (a *Asked) set(req api.SetVariables) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.List = append(a.List, req)
}

// Version is how many there were.
func (a *Asked) Version() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.List)
}
