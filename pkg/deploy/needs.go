package deploy

import (
	"context"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/deploy/history"
	"fngen.dev/fngen/pkg/deploy/prepare"
	"fngen.dev/fngen/pkg/deploy/rollout"
	"fngen.dev/fngen/pkg/store"
)

// What a change needs of others, by what it is used for. Packages store, blob and nomad
// have it all.

// Store keeps what was decided.
type Store interface {
	Decisions
	Made
	Relocations
	VariableVersions
	history.Store
}

// Decisions are projects, and which release is to run of each.
type Decisions interface {
	Projects
	Releases
	History
}

// Projects are the rows of projects.
type Projects interface {
	CreateProject(ctx context.Context, actor store.Actor, name string) (store.Project, error)
	DeleteProject(ctx context.Context, actor store.Actor, id int64) (store.Removed, error)
	ProjectByName(ctx context.Context, name string) (store.Project, error)
	AllProjects(ctx context.Context) ([]store.Project, error)
}

// Releases are written as a change goes on: numbered, then pending, then live or not.
type Releases interface {
	NextRelease(ctx context.Context, projectID int64) (int, error)
	AddRelease(ctx context.Context, actor store.Actor, r store.Release) (store.Release, error)
	SetReleaseState(ctx context.Context, actor store.Actor, projectID int64, number int, state store.ReleaseState, reason string) error
	LiveRelease(ctx context.Context, projectID int64) (store.Release, error)
}

// History is what was decided before.
type History interface {
	Release(ctx context.Context, projectID int64, number int) (store.Release, error)
	Releases(ctx context.Context, projectID int64) ([]store.Release, error)
	UnfinishedReleases(ctx context.Context) ([]store.Release, error)
}

// Made is what the platform has of a project: trees that were sent, and what jobs have
// made of them.
type Made interface {
	Tree(ctx context.Context, projectID int64, digest string) (source.Manifest, error)
	Layer(ctx context.Context, projectID int64, key string) (store.Layer, error)
	LayersLike(ctx context.Context, projectID int64, prefix string) ([]string, error)
}

// Relocations are the jobs that leave a server at this moment.
type Relocations interface {
	BeginRelocation(ctx context.Context, actor store.Actor, r store.Relocation) error
	EndRelocation(ctx context.Context, r store.Relocation) error
	Relocations(ctx context.Context) ([]store.Relocation, error)
}

// VariableVersions is what is known of the versions of variables, which is no value.
type VariableVersions interface {
	SaveVariables(ctx context.Context, actor store.Actor, projectID int64, v store.Variables) error
	Variables(ctx context.Context, projectID int64, version int) (store.Variables, error)
	CurrentVariables(ctx context.Context, projectID int64) (int, error)
	SetCurrentVariables(ctx context.Context, actor store.Actor, projectID int64, version int) error
}

// Blobs holds the contents of files and layers, each project's apart.
type Blobs interface {
	View(scope string) (*blob.View, error)
	DeleteScope(scope string) (count int, bytes int64, err error)
	Lossy(scope string) bool
}

// Scheduler is Nomad.
type Scheduler interface {
	Namespaces
	rollout.Scheduler
	Jobs
	prepare.Servers
	Nodes
}

// Namespaces are where the jobs of a project are.
type Namespaces interface {
	EnsureNamespace(ctx context.Context, name, description string) error
	DeleteNamespace(ctx context.Context, name string) error
}

// Jobs are those that are registered.
type Jobs interface {
	JobIDs(ctx context.Context, namespace string) ([]string, error)
	Tag(ctx context.Context, namespace, jobID, name, description string) error
	End(ctx context.Context, namespace, id string) error
}

// Nodes are the servers.
type Nodes interface {
	Datacenters(ctx context.Context, exceptClass string) ([]string, error)
	Drains(ctx context.Context, index uint64) (drains []nomad.Drain, next uint64, err error)
	On(ctx context.Context, node string) ([]nomad.Place, error)
}
