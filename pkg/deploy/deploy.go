// Package deploy takes a tree to live, and undoes it: the heart of the control
// plane.
//
// A push is a row of steps with a state each (see docs/architecture.md). Until
// the last step the version that ran before keeps running, and a step that fails
// puts back what the steps before it have changed. Everything that is decided is
// in the store before it is done, so that a control plane that dies in a push
// knows at its next start what it was doing.
package deploy

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/compiled"
	"fngen.dev/fngen/pkg/deploy/router"
	"fngen.dev/fngen/pkg/deploy/turns"
	"fngen.dev/fngen/pkg/store"
)

// firstUID is the user of project 0; projects get their own from here on, which
// no account of a node's system has.
const firstUID = 700000

// Locks reserves names among all control planes of the platform.
type Locks interface {
	// Acquire takes the lock of a name, or returns a *lock.HeldError at once.
	Acquire(ctx context.Context, name, holder string) (Lock, error)
}

// Lock is held until Release. Its context ends then, and when it is lost, with the
// cause lock.ErrLost.
type Lock interface {
	Context() context.Context
	Release()
}

// Config is what this platform is.
type Config struct {
	Version string
	Cluster jobs.Cluster
	// DefaultRegion is where a server without a region goes.
	DefaultRegion string
	// Pythons are the language versions that the nodes have.
	Pythons []string
	// Router asks functions as a person would.
	Router *router.Router
	// Journal is where what happens is told too; nil on a platform without logs.
	Journal Journal
	// Tasks is nil where the platform has no broker: then nothing that needs one is
	// pushed.
	Tasks Tasks
}

// Tasks is the broker's side of task workers, as package dispatch has it.
type Tasks interface {
	// Prepare makes the queues that functions read, before they start.
	Prepare(ctx context.Context, p store.Project, functions []string) error
	// Queues are those of functions, of some that are gone too.
	Queues(ctx context.Context, p store.Project) ([]api.QueueStatus, error)
	// Tidy removes the queues of other functions that have no task left.
	Tidy(ctx context.Context, p store.Project, functions []string) error
	// Forget removes all that a project has at the broker.
	Forget(ctx context.Context, p store.Project) error
}

// Service deploys. Its methods may be called at once; changes of one project
// exclude each other.
type Service struct {
	cfg     Config
	store   Store
	blobs   Blobs
	nomad   Scheduler
	locks   Locks
	secrets Secrets
	log     *slog.Logger

	compiled compiled.Results
	turns    turns.Turns

	// undoes are the projects, by id, of which something is being undone beside.
	undoing sync.Mutex
	undoes  map[int64]bool

	changes sync.WaitGroup
	closing context.Context
	close   context.CancelFunc
}

// New makes a service. Start it before use.
func New(ctx context.Context, cfg Config, st Store, blobs Blobs, scheduler Scheduler, locks Locks, secrets Secrets, log *slog.Logger) *Service {
	s := &Service{cfg: cfg, store: st, blobs: blobs, nomad: scheduler, locks: locks, secrets: secrets, log: log, undoes: map[int64]bool{}}
	s.closing, s.close = context.WithCancel(context.WithoutCancel(ctx))
	return s
}

// Stop ends the changes that are under way, as a crash would, and waits for them.
func (s *Service) Stop() {
	s.Abort()
	s.changes.Wait()
}

// Abort is Stop for who does not wait.
func (s *Service) Abort() { s.close() }

func uid(p store.Project) int { return firstUID + int(p.ID) }

func millis(since time.Time) int64 { return time.Since(since).Milliseconds() }
