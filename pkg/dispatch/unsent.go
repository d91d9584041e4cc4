package dispatch

import (
	"context"
	"log/slog"
	"time"

	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/store/tasks"
	"fngen.dev/fngen/pkg/task"
)

// A row counts as unsent until it is noted that the broker has its task. So what was
// published when the control plane or the connection died is known: whoever sends it
// again with its key has it published again, under the same id, and what nobody sends
// again ends as failed when the broker turns out not to have it.
const (
	// confirmEvery is how often it is noted what the broker has confirmed: one change for
	// all. Those of the last moment before a death may be published twice.
	confirmEvery = 50 * time.Millisecond
	// findEvery is how often tasks are looked for of which nobody knows, and lostAge how
	// old they are at least: the broker's counts are some seconds old.
	findEvery = time.Minute
	lostAge   = 2 * time.Minute
)

// outcome is what becomes of one task that is being published.
type outcome struct {
	done chan struct{}
	err  error
}

// awaited is an order whose task another request publishes.
type awaited struct {
	at int
	*outcome
}

// wait returns what became of the task.
func (a awaited) wait(ctx context.Context) error {
	select {
	case <-a.done:
		return a.err
	case <-ctx.Done():
		return queue.ErrUnknown
	}
}

// reserve notes that new tasks are about to be published, before anybody can know of
// them; release takes that back.
func (s *Service) reserve(ms []task.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range ms {
		s.sending[m.ID] = &outcome{done: make(chan struct{})}
	}
}

func (s *Service) release(ms []task.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range ms {
		delete(s.sending, m.ID)
	}
}

// join is the publishing of a task that was added before: another's, or now ours.
func (s *Service) join(id string) (o *outcome, ours bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o = s.sending[id]; o == nil {
		o, ours = &outcome{done: make(chan struct{})}, true
		s.sending[id] = o
	}
	return o, ours
}

// settle tells what became of a task. One that was confirmed stays until that is noted.
func (s *Service) settle(id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.sending[id]
	o.err = err
	close(o.done)
	if err != nil {
		delete(s.sending, id)
	}
}

// asBefore is a message that is sent again, as it was: the same key may come with another
// payload.
func asBefore(m task.Message, a tasks.Added) (task.Message, error) {
	if a.Large == (task.Large{}) && m.Large != a.Large {
		return m, queue.ErrUnknown
	}
	if m.ID, m.Large = a.ID, a.Large; m.Large != (task.Large{}) {
		m.Body = nil
	}
	return m, nil
}

// confirmSent notes what the broker has confirmed, until the end.
func (s *Service) confirmSent() {
	for ended := false; !ended; {
		select {
		case <-s.ctx.Done():
			ended = true
		case <-time.After(confirmEvery):
		}
		s.noteConfirmed(context.WithoutCancel(s.ctx))
	}
}

func (s *Service) noteConfirmed(ctx context.Context) {
	s.mu.Lock()
	var ids []string
	for id, o := range s.sending {
		select {
		case <-o.done:
			ids = append(ids, id)
		default:
		}
	}
	s.mu.Unlock()
	if len(ids) == 0 {
		return
	}
	if err := s.Ledger.Confirm(ctx, ids); err != nil { // the next time
		s.Log.LogAttrs(ctx, slog.LevelWarn, "cannot note which tasks were sent", slog.Any("error", err))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		delete(s.sending, id)
	}
}

// findUnsent ends tasks that the broker never got, now and then until the end.
func (s *Service) findUnsent() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-time.After(findEvery):
		}
		if err := s.EndUnsent(s.ctx, lostAge); err != nil && s.ctx.Err() == nil {
			s.Log.LogAttrs(s.ctx, slog.LevelWarn, "cannot look for tasks that were not sent", slog.Any("error", err))
		}
	}
}

// EndUnsent ends tasks of that age which the broker did not confirm and does not have:
// nothing is in the queue of their function.
func (s *Service) EndUnsent(ctx context.Context, age time.Duration) error {
	unsent, err := s.Ledger.Unsent(ctx, age)
	if err != nil || len(unsent) == 0 {
		return err
	}
	projects, err := s.Store.AllProjects(ctx)
	if err != nil {
		return err
	}
	for _, p := range projects {
		var ours []tasks.Task
		for _, t := range unsent {
			if t.ProjectID == p.ID {
				ours = append(ours, t)
			}
		}
		if len(ours) == 0 {
			continue
		}
		depths, err := s.Broker.Depths(ctx, p.Name)
		if err != nil {
			return err
		}
		if err := s.Ledger.Lose(ctx, without(ours, depths)); err != nil {
			return err
		}
	}
	return nil
}

// without are the tasks of functions in whose queues nothing is.
func without(unsent []tasks.Task, depths []queue.Depth) []tasks.Task {
	holds := map[string]bool{}
	for _, d := range depths {
		holds[d.Function] = d.Ready+d.Taken > 0
	}
	var out []tasks.Task
	for _, t := range unsent {
		if !holds[t.Function] {
			out = append(out, t)
		}
	}
	return out
}
