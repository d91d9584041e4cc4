package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
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
		service: s, project: p, end: end,
		publisher: queue.NewPublisher(ctx, broker, "fngend sends for "+p.Name, s.Log),
		session: queue.NewSession(broker, "fngend reads of "+p.Name, s.Log,
			queue.Source{Queue: task.EventQueue, Prefetch: eventBatch}, queue.Source{Queue: task.DeadQueue, Prefetch: deadBatch}),
	}
	if s.ended {
		end()
	}
	l.work.Go(func() { l.session.Run(ctx) })
	l.work.Go(func() { l.read(ctx) })
	s.lines[p.ID] = l
	return l
}

func (l *line) close() {
	l.end()
	l.work.Wait()
	l.publisher.Close()
}

// read takes what came, as much as there is, into the ledger.
func (l *line) read(ctx context.Context) {
	for {
		var events, dead []*queue.Delivery
		take := func(d *queue.Delivery) {
			if d.Queue == task.DeadQueue {
				dead = append(dead, d)
			} else {
				events = append(events, d)
			}
		}
		select {
		case <-ctx.Done():
			return
		case d := <-l.session.Deliveries():
			take(d)
		}
		for more := true; more && len(events) < eventBatch && len(dead) < deadBatch; {
			select {
			case d := <-l.session.Deliveries():
				take(d)
			default:
				more = false
			}
		}
		l.insist(ctx, "what agents tell", func() error { return l.note(ctx, events) })
		for _, d := range dead {
			l.insist(ctx, "a dead letter", func() error { return l.bury(ctx, d) })
		}
	}
}

// insist does what must be done, until it is or ctx ends: the broker keeps what is not
// answered.
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
	if len(all) > 0 {
		if err := l.service.Ledger.Apply(ctx, l.project.ID, all); err != nil {
			return err
		}
	}
	for _, d := range ds {
		_ = d.Ack(false) // one that is stale comes again, and changes nothing then
	}
	l.service.tell(all)
	return nil
}

// readEvents reads a message of an agent. Those events that are possible are kept.
func readEvents(body []byte) ([]task.Event, error) {
	var message task.Events
	if err := json.Unmarshal(body, &message); err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	var out []task.Event
	for _, e := range message.Events {
		if err := possible(e); err != nil {
			return out, fmt.Errorf("read event of task %q: %w", e.ID, err)
		}
		out = append(out, e)
	}
	return out, nil
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
	case len(e.Result) > task.MaxResult:
		return fmt.Errorf("a result of %d bytes", len(e.Result))
	case e.Error != nil && len(e.Error.Message)+len(e.Error.Traceback)+len(e.Error.Output)+len(e.Error.Faults) > 4*task.MaxError:
		return fmt.Errorf("an error that is too long")
	}
	return nil
}
