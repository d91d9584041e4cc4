package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/store"
	"fngen.dev/fngen/pkg/task"
)

// How many messages of agents are read into the ledger in one change, at most. A message
// has many events.
const (
	eventBatch = 64
	deadBatch  = 32
)

// line is what connects the control plane with one project: one connection to send, and
// one that reads what agents tell and dead letters.
type line struct {
	service   *Service
	project   store.Project
	publisher *queue.Publisher
	session   *queue.Session
	events    *inbox
	dead      *inbox
	end       context.CancelFunc
	work      sync.WaitGroup
}

// line is that of a project, opened when it is asked for first.
func (s *Service) line(p store.Project) *line {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.lines[p.ID]; l != nil {
		return l
	}
	broker := s.Broker.ControlPlane(p.Name)
	ctx, end := context.WithCancel(s.ctx)
	l := &line{
		service: s, project: p, end: end, events: newInbox(), dead: newInbox(),
		publisher: queue.NewPublisher(ctx, broker, "fngend sends for "+p.Name, s.Log),
		session: queue.NewSession(broker, "fngend reads of "+p.Name, s.Log,
			queue.Source{Queue: task.EventQueue, Prefetch: eventBatch}, queue.Source{Queue: task.DeadQueue, Prefetch: deadBatch}),
	}
	if s.ended {
		end()
	}
	l.work.Go(func() { l.session.Run(ctx) })
	l.work.Go(func() { l.sort(ctx) })
	l.work.Go(func() { l.readEvents(ctx) })
	l.work.Go(func() { l.readDead(ctx) })
	s.lines[p.ID] = l
	return l
}

func (l *line) close() {
	l.end()
	l.work.Wait()
	l.publisher.Close()
}

// sort has events and dead letters wait for themselves alone: a dead letter that has to
// wait for room in its queue holds up no event.
func (l *line) sort(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-l.session.Deliveries():
			if d.Queue == task.DeadQueue {
				l.dead.put(d)
			} else {
				l.events.put(d)
			}
		}
	}
}

// readEvents takes what agents told, as much as there is, into the ledger.
func (l *line) readEvents(ctx context.Context) {
	for {
		ds, ok := l.events.take(ctx, eventBatch)
		if !ok {
			return
		}
		l.insist(ctx, "what agents tell", func() error { return l.note(ctx, ds) })
	}
}

func (l *line) readDead(ctx context.Context) {
	for {
		ds, ok := l.dead.take(ctx, deadBatch)
		if !ok {
			return
		}
		for _, d := range ds {
			l.insist(ctx, "a dead letter", func() error { return l.bury(ctx, d) })
		}
	}
}

// insist does what must be done, until it is or ctx ends: the broker keeps what is not
// answered. What fails for what it is, and not for the state of the store or the broker,
// must not come here: nothing behind it would be read any more.
func (l *line) insist(ctx context.Context, what string, f func() error) {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 10*time.Second) {
		err := f()
		if err == nil || ctx.Err() != nil {
			return
		}
		l.service.Log.LogAttrs(ctx, slog.LevelError, "cannot keep "+what, slog.String("project", l.project.Name), slog.Any("error", err))
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// note reads events into the ledger, and answers their messages.
func (l *line) note(ctx context.Context, ds []*queue.Delivery) error {
	var all []task.Event
	for _, d := range ds {
		events, err := readEvents(d.Body)
		if err != nil { // it would be no better the next time
			l.service.Log.LogAttrs(ctx, slog.LevelWarn, "an agent told what cannot be read", slog.String("project", l.project.Name), slog.Any("error", err))
		}
		all = append(all, events...)
	}
	if err := l.apply(ctx, all); err != nil {
		return err
	}
	for _, d := range ds {
		_ = d.Ack(false) // one that is stale comes again, and changes nothing then
	}
	l.service.tell(all)
	l.forgetPayloads(ctx, all)
	return nil
}

// apply notes events, all at once. Where the database refuses the values of one, each is
// noted by itself, and those that it refuses are told in the log and left out: the rest
// of the project's goes on.
func (l *line) apply(ctx context.Context, events []task.Event) error {
	if len(events) == 0 {
		return nil
	}
	ledger := l.service.Ledger
	err := ledger.Apply(ctx, l.project.ID, events)
	if err == nil || !ledger.Refused(err) {
		return err
	}
	if len(events) == 1 {
		l.service.Log.LogAttrs(ctx, slog.LevelError, "an event cannot be kept", slog.String("project", l.project.Name),
			slog.String("task", events[0].ID), slog.Any("error", err))
		return nil
	}
	half := len(events) / 2
	if err := l.apply(ctx, events[:half]); err != nil {
		return err
	}
	return l.apply(ctx, events[half:])
}

// forgetPayloads removes the large payloads of tasks that have succeeded.
func (l *line) forgetPayloads(ctx context.Context, events []task.Event) {
	for _, e := range events {
		if e.State != task.Succeeded {
			continue
		}
		if err := l.service.Payloads.Remove(l.project.ID, e.ID); err != nil { // the sweep tries again
			l.service.Log.LogAttrs(ctx, slog.LevelWarn, "a payload stays", slog.String("task", e.ID), slog.Any("error", err))
		}
	}
}

// readEvents reads a message of an agent. Those events that are possible are kept.
func readEvents(body []byte) ([]task.Event, error) {
	var message task.Events
	if err := json.Unmarshal(body, &message); err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	var out []task.Event
	var errs []error
	for _, e := range message.Events {
		if err := possible(e); err != nil {
			errs = append(errs, fmt.Errorf("read event of task %q: %w", e.ID, err))
			continue
		}
		out = append(out, e)
	}
	return out, errors.Join(errs...)
}

// possible refuses what no agent tells that is ours.
func possible(e task.Event) error {
	switch {
	case !task.ValidID(e.ID):
		return fmt.Errorf("it has no id")
	case !e.State.Valid() || e.State == task.Queued:
		return fmt.Errorf("state %q", e.State)
	case e.Attempt < 1 || e.Attempt > 1<<30:
		return fmt.Errorf("attempt %d", e.Attempt)
	case e.At.IsZero():
		return fmt.Errorf("it has no time")
	case !storable(e.Allocation) || !storable(e.Server):
		return fmt.Errorf("it does not say where it ran")
	case len(e.Result) > task.MaxResult:
		return fmt.Errorf("a result of %d bytes", len(e.Result))
	case e.Error != nil && len(e.Error.Message)+len(e.Error.Traceback)+len(e.Error.Output)+len(e.Error.Faults) > 4*task.MaxError:
		return fmt.Errorf("an error that is too long")
	}
	return nil
}

// storable reports whether every database keeps a text as it is: PostgreSQL has no zero
// byte in one.
func storable(s string) bool { return len(s) <= maxPlace && !strings.ContainsRune(s, 0) }

// maxPlace bounds the names of where a task ran.
const maxPlace = 200
