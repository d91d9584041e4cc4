// Package dispatch sends tasks and follows what becomes of them: it holds a payload
// against the schema of its function, notes the task in the ledger, publishes it, and
// reads what agents tell back into the ledger.
//
// A row is written before a message is sent, and removed only where it is certain that
// nothing was sent: so every task that may run is known, and a key that was used once
// gives the same task whatever dies in between.
package dispatch

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/store"
	"fngen.dev/fngen/pkg/store/tasks"
	"fngen.dev/fngen/pkg/task"
)

// confirmTime is how long the broker may take to confirm a task.
const confirmTime = 5 * time.Second

// Store has the releases that say which functions a project has.
type Store interface {
	AllProjects(ctx context.Context) ([]store.Project, error)
	LiveRelease(ctx context.Context, projectID int64) (store.Release, error)
	Release(ctx context.Context, projectID int64, number int) (store.Release, error)
}

// Broker is RabbitMQ, as package queue has it.
type Broker interface {
	Queues
	Connections
}

// Queues are made, looked at and removed.
type Queues interface {
	Declare(ctx context.Context, project string, id int64, functions []string) error
	Depths(ctx context.Context, project string) ([]queue.Depth, error)
	DropQueue(ctx context.Context, project, function string) error
	Destroy(ctx context.Context, project string) error
}

// Connections are how the broker is reached for a project: by the control plane, and by
// a worker.
type Connections interface {
	ControlPlane(project string) task.Broker
	Worker(project string, id int64) task.Broker
}

// Schemas are what functions take, taken at the push of a release.
type Schemas interface {
	// Schema returns that of a function of a release; nil where there is none.
	Schema(ctx context.Context, p store.Project, release int, function string) ([]byte, error)
}

// Logins are where the agents of a project find how to reach the broker: versions, of
// which the newest counts. What was written cannot be read again.
type Logins interface {
	WriteBroker(ctx context.Context, project string, b task.Broker) error
	// BrokerVersion is the number of the newest version, 0 for none.
	BrokerVersion(ctx context.Context, project string) (int64, error)
	DeleteBroker(ctx context.Context, project string) error
}

// Allocations know which release an allocation runs.
type Allocations interface {
	ReleaseOf(ctx context.Context, namespace, job, allocation string) (int, error)
	Alive(ctx context.Context, namespace, job, id string) (bool, error)
}

// Payloads keep payloads that are too large for a message, each for its own task.
type Payloads interface {
	PayloadsOfTasks
	PayloadsOfProjects
}

// PayloadsOfTasks are those that a task has.
type PayloadsOfTasks interface {
	Put(ctx context.Context, projectID int64, id string, r io.Reader) (task.Large, error)
	Open(projectID int64, id string, is task.Large) (*os.File, error)
	Read(projectID int64, id string, is task.Large) ([]byte, error)
	Remove(projectID int64, id string) error
}

// PayloadsOfProjects are all together, and what nobody needs any more.
type PayloadsOfProjects interface {
	RemoveProject(projectID int64) error
	Bytes(projectID int64) (int64, error)
	Sweep(before time.Time, needed func(projectID int64, id string) (bool, error)) (int, error)
}

// Options are what a Service is made of.
type Options struct {
	Store  Store
	Ledger *tasks.Ledger
	Broker Broker
	// Schemas may be set until the first task is sent; nil takes every JSON.
	Schemas     Schemas
	Payloads    Payloads
	Logins      Logins
	Allocations Allocations
	Log         *slog.Logger
}

// Service dispatches tasks. It is safe for concurrent use.
type Service struct {
	Options
	ctx  context.Context
	end  context.CancelFunc
	work sync.WaitGroup

	mu       sync.Mutex
	lines    map[int64]*line
	ended    bool
	releases map[releaseKey]*functions
	callers  map[string]int // releases of allocations
	waiting  map[string]map[chan struct{}]bool
	// sending are tasks between their row and the note that the broker has them.
	sending map[string]*outcome
	// checking is held by the one large payload that is in memory.
	checking chan struct{}
}

// New makes a service; Start reads what agents tell.
func New(ctx context.Context, o Options) *Service {
	s := &Service{
		Options: o, lines: map[int64]*line{}, releases: map[releaseKey]*functions{}, callers: map[string]int{},
		waiting: map[string]map[chan struct{}]bool{}, sending: map[string]*outcome{}, checking: make(chan struct{}, 1),
	}
	s.ctx, s.end = context.WithCancel(context.WithoutCancel(ctx))
	return s
}

// Start begins to read what the agents of every project tell, and tells what is kept no
// longer to go.
func (s *Service) Start(ctx context.Context) error {
	projects, err := s.Store.AllProjects(ctx)
	if err != nil {
		return err
	}
	for _, p := range projects {
		if workers, err := s.functionsOf(ctx, p, 0); err == nil && len(workers.names) > 0 {
			s.line(p)
		}
	}
	s.work.Go(s.prune)
	s.work.Go(s.confirmSent)
	s.work.Go(s.findUnsent)
	return nil
}

// Stop ends all connections, and waits for them. It may be called twice.
func (s *Service) Stop() {
	s.end()
	s.mu.Lock()
	s.ended = true
	lines := s.lines
	s.lines = map[int64]*line{}
	s.mu.Unlock()
	for _, l := range lines {
		l.close()
	}
	s.work.Wait()
}

// Prepare declares what the task workers of a project need, before they start.
func (s *Service) Prepare(ctx context.Context, p store.Project, functions []string) error {
	if err := s.Broker.Declare(ctx, p.Name, p.ID, functions); err != nil {
		return err
	}
	if err := s.writeLogin(ctx, p); err != nil {
		return err
	}
	s.line(p)
	return nil
}

// Forget removes all that a project has at the broker.
func (s *Service) Forget(ctx context.Context, p store.Project) error {
	s.mu.Lock()
	l := s.lines[p.ID]
	delete(s.lines, p.ID)
	s.mu.Unlock()
	if l != nil {
		l.close()
	}
	if err := s.Broker.Destroy(ctx, p.Name); err != nil {
		return err
	}
	return errors.Join(s.Logins.DeleteBroker(ctx, p.Name), s.Ledger.ForgetLogin(ctx, p.ID), s.Payloads.RemoveProject(p.ID))
}

// Queues lists the queues of a project, by function.
func (s *Service) Queues(ctx context.Context, p store.Project) ([]api.QueueStatus, error) {
	depths, err := s.Broker.Depths(ctx, p.Name)
	if err != nil {
		return nil, err
	}
	out := []api.QueueStatus{}
	for _, d := range depths {
		q := api.QueueStatus{
			Name: task.Queue(p.Name, d.Function), Function: d.Function, Ready: d.Ready, Running: d.Taken, Rate: d.Rate, Workers: d.Workers,
		}
		oldest, err := s.Ledger.Oldest(ctx, p.ID, d.Function)
		if err != nil {
			return nil, err
		}
		if !oldest.IsZero() {
			q.OldestSeconds = int(time.Since(oldest).Seconds())
		}
		out = append(out, q)
	}
	return out, nil
}

// Tidy removes the queues of functions that a project does not have any more, where
// nothing is left of their tasks.
func (s *Service) Tidy(ctx context.Context, p store.Project, functions []string) error {
	depths, err := s.Broker.Depths(ctx, p.Name)
	if err != nil {
		return err
	}
	for _, d := range depths {
		if has(functions, d.Function) || d.Ready+d.Taken > 0 {
			continue
		}
		// One that waits for its next attempt is in no queue of its function.
		open, err := s.Ledger.Open(ctx, p.ID, d.Function)
		if err != nil {
			return err
		}
		if open {
			continue
		}
		if err := s.Broker.DropQueue(ctx, p.Name, d.Function); err != nil {
			return err
		}
	}
	return nil
}

func has(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}
