package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/store"
)

type releaseKey struct {
	project int64
	number  int
}

// functions are the task workers of a release, by name.
type functions struct {
	release int
	names   []string
	// timeouts are how long an attempt may take.
	timeouts map[string]time.Duration
	// schemas are those that were asked for; they never change.
	schemas map[string][]byte
	// others are functions with another Power.
	others []string
}

// NotLiveError is a project of which nothing is live.
type NotLiveError struct{ Project string }

func (e *NotLiveError) Error() string {
	return fmt.Sprintf("nothing of project %q is live yet", e.Project)
}

// FunctionError is a function that takes no tasks.
type FunctionError struct {
	Function string
	// There says that the project has the function, with another Power.
	There bool
	// Workers are those that do take tasks.
	Workers []string
}

func (e *FunctionError) Error() string {
	if e.There {
		return fmt.Sprintf("function %q is no @task_worker", e.Function)
	}
	return fmt.Sprintf("there is no function %q", e.Function)
}

// functionsOf are the task workers of a release; 0 is the live one.
func (s *Service) functionsOf(ctx context.Context, p store.Project, number int) (*functions, error) {
	key := releaseKey{p.ID, number}
	if number != 0 {
		s.mu.Lock()
		found := s.releases[key]
		s.mu.Unlock()
		if found != nil {
			return found, nil
		}
	}
	read := func() (store.Release, error) { return s.Store.Release(ctx, p.ID, number) }
	if number == 0 {
		read = func() (store.Release, error) { return s.Store.LiveRelease(ctx, p.ID) }
	}
	r, err := read()
	if errors.Is(err, store.ErrNotFound) {
		return nil, &NotLiveError{p.Name}
	}
	if err != nil {
		return nil, err
	}
	var project ir.Project
	if err := json.Unmarshal(r.IR, &project); err != nil {
		return nil, fmt.Errorf("decode release %d of %q: %w", r.Number, p.Name, err)
	}
	out := &functions{release: r.Number, timeouts: map[string]time.Duration{}, schemas: map[string][]byte{}}
	for _, f := range project.Functions {
		if f.Power == ir.PowerTaskWorker {
			out.names = append(out.names, f.Name)
			out.timeouts[f.Name] = f.TaskWorker.Timeout.Duration()
		} else {
			out.others = append(out.others, f.Name)
		}
	}
	slices.Sort(out.names)
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.releases[releaseKey{p.ID, r.Number}]; found != nil {
		return found, nil // with the schemas that were read
	}
	if len(s.releases) > maxRemembered {
		clear(s.releases)
	}
	s.releases[releaseKey{p.ID, r.Number}] = out
	return out, nil
}

// maxRemembered bounds what is kept of releases and allocations, which can be read anew.
const maxRemembered = 500

// schema is what a function takes; nil takes every JSON.
func (s *Service) schema(ctx context.Context, p store.Project, f *functions, name string) ([]byte, error) {
	if s.Schemas == nil {
		return nil, nil
	}
	s.mu.Lock()
	found, ok := f.schemas[name]
	s.mu.Unlock()
	if ok {
		return found, nil
	}
	schema, err := s.Schemas.Schema(ctx, p, f.release, name)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f.schemas[name] = schema
	return schema, nil
}

// check reports a function that takes no tasks.
func (f *functions) check(name string) error {
	if has(f.names, name) {
		return nil
	}
	return &FunctionError{Function: name, There: has(f.others, name), Workers: f.names}
}

// callerRelease is the release that an allocation runs: its own functions are those
// that it sends tasks to, also before it is live.
func (s *Service) callerRelease(ctx context.Context, p store.Project, from Caller) (int, error) {
	s.mu.Lock()
	number := s.callers[from.Allocation]
	s.mu.Unlock()
	if number != 0 {
		return number, nil
	}
	number, err := s.Allocations.ReleaseOf(ctx, p.Name, from.Job, from.Allocation)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.callers) > maxRemembered {
		clear(s.callers)
	}
	s.callers[from.Allocation] = number
	return number, nil
}
