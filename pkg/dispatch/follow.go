package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/store"
	"fngen.dev/fngen/pkg/store/tasks"
	"fngen.dev/fngen/pkg/task"
)

// lookEvery is how often it is looked how a task stands that is waited for: another
// control plane may have read its end.
const lookEvery = 2 * time.Second

// Wait returns a task when it has ended, or as it stands when ctx does.
func (s *Service) Wait(ctx context.Context, p store.Project, id string) (tasks.Task, error) {
	ended, forget := s.listen(id)
	defer forget()
	for {
		t, err := s.Ledger.Get(context.WithoutCancel(ctx), p.ID, id)
		if err != nil || t.State.Ended() {
			return t, err
		}
		select {
		case <-ctx.Done():
			return t, nil
		case <-ended:
		case <-time.After(lookEvery):
		}
	}
}

// listen says on a channel that something came of a task.
func (s *Service) listen(id string) (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting[id] == nil {
		s.waiting[id] = map[chan struct{}]bool{}
	}
	s.waiting[id][c] = true
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.waiting[id], c)
		if len(s.waiting[id]) == 0 {
			delete(s.waiting, id)
		}
	}
}

// tell wakes those that wait for the tasks of events.
func (s *Service) tell(events []task.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		for c := range s.waiting[e.ID] {
			select {
			case c <- struct{}{}:
			default: // it will look in any case
			}
		}
	}
}

// Get returns one task of a project.
func (s *Service) Get(ctx context.Context, p store.Project, id string) (tasks.Task, error) {
	return s.Ledger.Get(ctx, p.ID, id)
}

// List returns tasks of a project, newest first.
func (s *Service) List(ctx context.Context, p store.Project, f tasks.Filter) ([]tasks.Task, error) {
	return s.Ledger.List(ctx, p.ID, f)
}

// Cancelled are tasks that an agent of the project may come across and is not to begin.
func (s *Service) Cancelled(ctx context.Context, p store.Project) ([]string, error) {
	return s.Ledger.Cancelled(ctx, p.ID)
}

// Retry puts a task that failed or died back into its queue.
func (s *Service) Retry(ctx context.Context, actor store.Actor, p store.Project, id string) (tasks.Task, error) {
	t, err := s.Ledger.Get(ctx, p.ID, id)
	if err != nil {
		return t, err
	}
	workers, err := s.functionsOf(ctx, p, 0)
	if err != nil {
		return t, err
	}
	if err := workers.check(t.Function); err != nil {
		return t, err
	}
	if t.Large != (task.Large{}) {
		f, err := s.Payloads.Open(p.ID, id, t.Large)
		if err != nil {
			return t, fmt.Errorf("task %s: %w", id, errors.Join(tasks.ErrPayload, err))
		}
		_ = f.Close() // it was not written
	}
	m, err := s.Ledger.Retry(ctx, actor, p, id)
	if err != nil {
		return t, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), confirmTime)
	defer cancel()
	err = s.line(p).publisher.Publish(ctx, queue.TaskLetter("", m))
	keep := context.WithoutCancel(ctx)
	switch {
	case err == nil:
		err = s.Ledger.Sent(keep, p.ID, m)
	case !errors.Is(err, queue.ErrUnknown):
		err = errors.Join(err, s.Ledger.Undo(keep, p.ID, m))
	}
	if err != nil {
		return t, err
	}
	return s.Ledger.Get(keep, p.ID, id)
}

// Cancel ends a task: at once where it is not running, else its agent is told to.
func (s *Service) Cancel(ctx context.Context, actor store.Actor, p store.Project, id string) (tasks.Task, error) {
	t, err := s.Ledger.Cancel(ctx, actor, p, id)
	if err != nil {
		return t, err
	}
	body, err := json.Marshal(task.Control{Cancel: []string{id}})
	if err != nil {
		return t, err
	}
	message, err := task.NewID()
	if err != nil {
		return t, err
	}
	ctx, cancel := context.WithTimeout(ctx, confirmTime)
	defer cancel()
	err = s.line(p).publisher.Publish(ctx, queue.Letter{Exchange: task.ControlExchange, ID: message, Body: body, Reported: time.Now()})
	if errors.Is(err, queue.ErrUnroutable) { // no agent is there; one that comes asks
		err = nil
	}
	return t, err
}

// The verdicts of a claim (docs/architecture.md, Running tasks).
const (
	VerdictRun    = "run"
	VerdictDone   = "done"
	VerdictHeld   = "held"
	VerdictPoison = "poison"
)

// Claim decides whether an allocation is to run a message that was handed out before,
// and says how often that was decided so.
func (s *Service) Claim(ctx context.Context, p store.Project, job, allocation, id string, attempt int) (string, int, error) {
	t, err := s.Ledger.Get(ctx, p.ID, id)
	if errors.Is(err, store.ErrNotFound) {
		return VerdictDone, 0, nil // it is so old that nobody knows of it
	}
	if err != nil {
		return "", 0, err
	}
	if s.held(ctx, p, t, job, allocation, attempt) {
		return VerdictHeld, 0, nil
	}
	_, starts, err := s.Ledger.Claim(ctx, p.ID, id, attempt, allocation)
	switch {
	case err != nil:
		return "", 0, err
	case starts == 0:
		return VerdictDone, 0, nil
	case starts > poison:
		return VerdictPoison, starts, nil
	}
	return VerdictRun, starts, nil
}

// heldGrace is what an attempt may take beyond its time until nobody believes in it.
const heldGrace = time.Minute

// held reports whether another allocation of the job, which lives, is running the
// attempt: it has lost its connection to the broker and not the task.
func (s *Service) held(ctx context.Context, p store.Project, t tasks.Task, job, allocation string, attempt int) bool {
	if t.State != task.Running || t.Attempt != attempt || t.Allocation == "" || t.Allocation == allocation {
		return false
	}
	workers, err := s.functionsOf(ctx, p, t.Release)
	if err != nil || time.Since(t.StartedAt) > workers.timeouts[t.Function]+heldGrace {
		return false
	}
	alive, err := s.Allocations.Alive(ctx, p.Name, job, t.Allocation)
	return err == nil && alive
}
