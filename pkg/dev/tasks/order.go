package tasks

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/binding"
	"fngen.dev/fngen/pkg/store"
	ledger "fngen.dev/fngen/pkg/store/tasks"
	"fngen.dev/fngen/pkg/task"
)

// fastest is the longest pause of a hurry.
const fastest = time.Second

// pause is how long a task waits after as many attempts that failed.
func (s *Service) pause(failed int) time.Duration {
	tier := task.Tier(failed, rand.Float64())
	if s.o.Fast {
		return min(tier, fastest)
	}
	return tier
}

// Send takes a task, once the function is there that says whether its payload fits.
func (s *Service) Send(ctx context.Context, t api.NewTask) (api.Task, error) {
	body := []byte(t.Payload)
	if len(body) == 0 {
		body = []byte("null")
	}
	switch {
	case len(body) > task.MaxLarge:
		return api.Task{}, api.NewProblem(api.TooLarge, "the payload has more than %d MiB", task.MaxLarge>>20).
			WithHelp("put the data where the function reads it, such as a bucket, and send its place")
	case t.Shape != "" && t.Shape != task.ShapeCall:
		return api.Task{}, api.NewProblem(api.Invalid, "shape %q is not known", t.Shape)
	}
	schema, err := s.schema(ctx, t.Function)
	if err != nil {
		return api.Task{}, err
	}
	if t.Shape == "" {
		if faults := binding.Check(schema, body); len(faults) > 0 {
			p := api.NewProblem(api.BadPayload, "the payload does not fit function %q", t.Function)
			p.Faults = faults
			return api.Task{}, p
		}
	}
	id, err := task.NewID()
	if err != nil {
		return api.Task{}, err
	}
	m := task.Message{ID: id, Function: t.Function, Project: home, Attempt: 1, First: 1, Enqueued: time.Now().UTC().Truncate(time.Microsecond), Shape: t.Shape, Body: body}
	if id, err = s.add(ctx, m, t.Key); err != nil {
		return api.Task{}, err
	}
	return s.Get(ctx, id, 0)
}

// schema is what a function takes. A function that is starting is waited for.
func (s *Service) schema(ctx context.Context, name string) ([]byte, error) {
	var schema []byte
	var problem *api.Problem
	found := false
	s.wait(ctx, func() bool {
		if problem = s.unknown(name); problem != nil {
			return true
		}
		f := s.functions[name]
		switch {
		case f != nil && f.current != nil:
			schema, found = f.current.schema, true
		case f != nil && f.failure != "":
			problem = api.NewProblem(api.Unavailable, "%s", f.failure).WithHelp("the terminal of fngen dev says why")
		}
		return found || problem != nil
	})
	switch {
	case problem != nil:
		return nil, problem
	case !found:
		return nil, api.NewProblem(api.Unavailable, "function %q is not there yet", name)
	}
	return schema, nil
}

// unknown says what is wrong with the name of a function. The caller holds the lock.
func (s *Service) unknown(name string) *api.Problem {
	switch {
	case s.project == "" || slices.Contains(s.names, name): // nobody knows yet, or it is
		return nil
	case slices.Contains(s.others, name):
		return api.NewProblem(api.NotFound, "function %q is no @task_worker", name)
	}
	p := api.NewProblem(api.NotFound, "there is no function %q", name)
	if near := diag.Nearest(name, s.names); near != "" {
		return p.WithHelp("did you mean %q?", near)
	}
	return p
}

// Get is a task; with a time to wait, when it has ended or the time is over.
func (s *Service) Get(ctx context.Context, id string, wait time.Duration) (api.Task, error) {
	book, row, err := s.books(ctx)
	if err != nil {
		return api.Task{}, err
	}
	if book == nil || !task.ValidID(id) {
		return api.Task{}, api.NewProblem(api.NotFound, "there is no task %q", id)
	}
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		t, err := book.Get(ctx, row.ID, id)
		if err != nil || t.State.Ended() || limited.Err() != nil {
			return t.Public(), err
		}
		select {
		case <-changed:
		case <-limited.Done():
		}
	}
}

// books are the ledger and the project in it; nil where no task was ever sent.
func (s *Service) books(ctx context.Context) (*ledger.Ledger, store.Project, error) {
	if _, err := os.Stat(s.o.Database); err == nil { // the last run may have left tasks
		if err := s.open(ctx); err != nil {
			return nil, store.Project{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger, s.row, nil
}

// List lists tasks, newest first.
func (s *Service) List(ctx context.Context, f ledger.Filter) ([]api.Task, error) {
	out := []api.Task{}
	book, row, err := s.books(ctx)
	if book == nil || err != nil {
		return out, err
	}
	list, err := book.List(ctx, row.ID, f)
	for _, t := range list {
		out = append(out, t.Public())
	}
	return out, err
}

// Retry puts a task that failed or died back into its queue.
func (s *Service) Retry(ctx context.Context, id string) (api.Task, error) {
	t, err := s.Get(ctx, id, 0)
	if err != nil {
		return t, err
	}
	if _, err := s.schema(ctx, t.Function); err != nil {
		return t, err
	}
	book, row, err := s.books(ctx)
	if err != nil {
		return t, err
	}
	m, err := book.Retry(context.WithoutCancel(ctx), store.Actor{AccountID: row.AccountID, Email: owner}, row, id)
	if err != nil {
		return t, err
	}
	s.mu.Lock()
	delete(s.cancelled, id)
	s.later(m, 0)
	s.mu.Unlock()
	return s.Get(ctx, id, 0)
}

// Cancel ends a task.
func (s *Service) Cancel(ctx context.Context, id string) (api.Task, error) {
	t, err := s.Get(ctx, id, 0)
	if err != nil {
		return t, err
	}
	book, row, err := s.books(ctx)
	if err != nil {
		return t, err
	}
	noted, err := book.Cancel(context.WithoutCancel(ctx), store.Actor{AccountID: row.AccountID, Email: owner}, row, id)
	if err != nil {
		return t, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.function(noted.Function)
	if f.drop(id) {
		s.announce()
		return noted.Public(), nil
	}
	for _, w := range f.all() {
		for _, x := range w.running {
			if x.ID == id {
				w.finish(x, cancelled)
				return noted.Public(), nil
			}
		}
	}
	if !t.State.Ended() { // it waits for its next attempt
		s.cancelled[id] = true
	}
	s.announce()
	return noted.Public(), nil
}
