package server

import (
	"context"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// Deployer makes trees live and takes projects down.
type Deployer interface {
	Changes
	States
	Past
	Owners
}

// Changes change what a project runs.
type Changes interface {
	// Push begins to make a tree live. The events go on until the channel is
	// closed, and the work does not end with ctx once it is accepted.
	Push(ctx context.Context, actor store.Actor, p store.Project, req api.PushRequest) (<-chan api.Event, error)
	// Rollback begins to make an earlier release live, the last one for 0. The
	// events are as those of Push.
	Rollback(ctx context.Context, actor store.Actor, p store.Project, release int) (<-chan api.Event, error)
	// SetVariables begins to change them. The events are as those of Push.
	SetVariables(ctx context.Context, actor store.Actor, p store.Project, req api.SetVariables) (<-chan api.Event, error)
}

// States tell what there is, and what would be.
type States interface {
	// Plan tells what a push would do, and changes nothing.
	Plan(ctx context.Context, p store.Project, req api.PlanRequest) (api.Plan, error)
	// Variables lists the names of the project's variables.
	Variables(ctx context.Context, p store.Project) (api.Variables, error)
	Status(ctx context.Context, p store.Project) (api.Status, error)
	// LiveStatic are the keys of the static files that the live release serves.
	LiveStatic(ctx context.Context, p store.Project) ([]string, error)
}

// Past is what was.
type Past interface {
	// Releases is the history, newest first.
	Releases(ctx context.Context, p store.Project) ([]api.Release, error)
	// Events are what happened while a release was brought up last, and, when it follows,
	// what happens, until how it ended.
	Events(ctx context.Context, p store.Project, release int, follow bool) (<-chan api.Event, error)
}

// Owners have projects of the platform.
type Owners interface {
	// Create checks the name and adds a project: its row and its place in the
	// cluster.
	Create(ctx context.Context, actor store.Actor, name string) (store.Project, error)
	// Destroy removes a project with all that belongs to it.
	Destroy(ctx context.Context, actor store.Actor, p store.Project) (api.Destroyed, error)
	// List tells where each project stands, in the order given.
	List(page []store.Summary) ([]api.Project, error)
	Platform(ctx context.Context) (api.Platform, error)
}
