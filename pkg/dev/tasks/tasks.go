// Package tasks runs the task workers of a tree for fngen dev: what RabbitMQ, agents and
// the control plane do together on the platform, in one process.
//
// Tasks wait in memory. The ledger is that of the platform (pkg/store/tasks), in a file
// of SQLite's, and keeps every payload as well: what has not ended when fngen dev does
// goes on the next time. A payload is held against the schema of its function before
// it is taken, by the same code as on the platform (pkg/binding), and the states of a
// task and the pauses between its attempts are those of pkg/task.
//
// A save starts a new process of the function, the new one takes the tasks that come,
// and the old one ends after the task that it is at.
package tasks

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/store"
	ledger "fngen.dev/fngen/pkg/store/tasks"
	"fngen.dev/fngen/pkg/task"
)

// Options are what a Service is made of.
type Options struct {
	// Database is the file of the ledger.
	Database string
	// Fast has no attempt wait longer than a second.
	Fast bool
	// Tell is told what becomes of each task, Say what a person should know beside it.
	Tell func(task.Event)
	Say  func(format string, args ...any)
}

// Process is a process of a function.
type Process interface {
	// Done is closed when it has ended, and ExitCode says how.
	Done() <-chan struct{}
	ExitCode() int
	// Tail is what it printed last.
	Tail() string
	// Stop ends it: at once, or when it does not end by itself within the time.
	Stop(within time.Duration)
}

// Start starts a process of a function, with more variables than it has anyway.
type Start func(ctx context.Context, f ir.Function, variables ...string) (Process, error)

// Service runs tasks. It is safe for concurrent use.
type Service struct {
	o    Options
	door *door
	work sync.WaitGroup

	// ending ends with Close: what runs then is told nothing any more.
	ending context.Context
	end    context.CancelFunc

	mu        sync.Mutex
	project   string
	names     []string // of task workers
	others    []string // of functions with another Power
	functions map[string]*function
	// cancelled are tasks that are not to be begun.
	cancelled map[string]bool
	// changed is closed, and made anew, when a task or a function changes.
	changed chan struct{}

	opening sync.Mutex
	store   *store.Store
	ledger  *ledger.Ledger
	row     store.Project
}

// New makes a service. Nothing is opened before there is a task worker.
func New(o Options) *Service {
	s := &Service{o: o, functions: map[string]*function{}, cancelled: map[string]bool{}, changed: make(chan struct{})}
	s.ending, s.end = context.WithCancel(context.Background())
	return s
}

// Expect says which functions there are, before they have started.
func (s *Service) Expect(p *ir.Project) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.project, s.names, s.others = p.Name, nil, nil
	for _, f := range p.Functions {
		if f.TaskWorker == nil {
			s.others = append(s.others, f.Name)
			continue
		}
		s.names = append(s.names, f.Name)
	}
	for name, f := range s.functions {
		if !slices.Contains(s.names, name) {
			f.put(nil)
		}
	}
	s.announce()
}

// Replace starts a function by new code, and has it take the tasks from then on.
func (s *Service) Replace(ctx context.Context, f ir.Function, start Start) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	g := &generation{service: s, function: f, start: start}
	w, err := g.begin(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.function(f.Name)
	if err != nil {
		if at.current == nil && ctx.Err() == nil {
			at.failure = fmt.Sprintf("%s did not start", f.Name)
			s.announce()
		}
		return err
	}
	g.of = at
	g.adopt(w)
	at.put(g)
	s.announce()
	return nil
}

// Processes are those that take the tasks of a function at present.
func (s *Service) Processes(function string) []Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.functions[function]
	if f == nil || f.current == nil {
		return nil
	}
	var out []Process
	for _, w := range f.current.workers {
		out = append(out, w.process)
	}
	return out
}

// function is one by its name, made when it is asked for first. The caller holds the lock.
func (s *Service) function(name string) *function {
	f := s.functions[name]
	if f == nil {
		f = &function{service: s, name: name}
		s.functions[name] = f
	}
	return f
}

// announce wakes who waits for a task or a function. The caller holds the lock.
func (s *Service) announce() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// wait returns when ok does, which is called with the lock held, or ctx ends.
func (s *Service) wait(ctx context.Context, ok func() bool) {
	for {
		s.mu.Lock()
		done, changed := ok(), s.changed
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// Close ends all processes within the time. Tasks that ran begin anew the next time.
func (s *Service) Close(within time.Duration) {
	s.end()
	s.mu.Lock()
	var group sync.WaitGroup
	for _, f := range s.functions {
		for _, w := range f.all() {
			group.Go(func() { w.end(within) })
		}
	}
	s.mu.Unlock()
	group.Wait()
	s.work.Wait()
	s.opening.Lock()
	defer s.opening.Unlock()
	if s.door != nil {
		s.door.close()
	}
	if s.store != nil {
		_ = s.store.Close() // what was told is written
	}
}
