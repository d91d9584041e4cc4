package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fngen.dev/fngen/pkg/binding"
	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/store"
	"fngen.dev/fngen/pkg/task"
)

// Order is a task that somebody wants to be run.
type Order struct {
	Function string
	// Payload is JSON; it is sent as it is.
	Payload []byte
	// Key gives the same task for a day; empty for none.
	Key string
	// Shape is empty or task.ShapeCall.
	Shape string
}

// PayloadError is a payload that does not bind to its function.
type PayloadError struct {
	Function string
	Faults   []binding.Fault
}

func (e *PayloadError) Error() string {
	return fmt.Sprintf("the payload does not fit function %q", e.Function)
}

// TooLargeError is a payload of too many bytes, for a message (task.MaxPayload) or at all
// (task.MaxLarge).
type TooLargeError struct{ Bytes, Most int64 }

func (e *TooLargeError) Error() string {
	if e.Most > task.MaxPayload {
		return fmt.Sprintf("the payload has %d bytes; a task may have %d MiB", e.Bytes, e.Most>>20)
	}
	return fmt.Sprintf("the payload has %d bytes; in a request for tasks it may have %d", e.Bytes, e.Most)
}

// Sent is what became of an order.
type Sent struct {
	ID string
	// Existing says that its key belongs to a task that was sent before.
	Existing bool
	// Err says why it was not sent, or that nobody knows (queue.ErrUnknown).
	Err error
}

// Caller is who sends: a person (the zero value), for whom the live release counts, or an
// allocation, for which its own does.
type Caller struct{ Job, Allocation string }

// Send sends tasks of a project, and returns when the broker has them. What is wrong
// with one is in its Sent; an error is of all, and then none was sent.
func (s *Service) Send(ctx context.Context, p store.Project, from Caller, orders []Order) ([]Sent, error) {
	workers, err := s.functionsFor(ctx, p, from)
	if err != nil {
		return nil, err
	}
	out := make([]Sent, len(orders))
	b := &batch{project: p}
	for i, o := range orders {
		m, err := s.message(ctx, p, workers, o)
		if err != nil {
			out[i].Err = err
			continue
		}
		b.at, b.messages, b.keys = append(b.at, i), append(b.messages, m), append(b.keys, o.Key)
	}
	if len(b.messages) == 0 {
		return out, nil
	}
	return out, s.publish(ctx, b, out)
}

// functionsFor are the task workers that a caller may send tasks to.
func (s *Service) functionsFor(ctx context.Context, p store.Project, from Caller) (*functions, error) {
	number := 0
	if from.Allocation != "" {
		var err error
		if number, err = s.callerRelease(ctx, p, from); err != nil {
			return nil, err
		}
	}
	return s.functionsOf(ctx, p, number)
}

// message makes a task of an order, if it is one.
func (s *Service) message(ctx context.Context, p store.Project, workers *functions, o Order) (task.Message, error) {
	if err := workers.check(o.Function); err != nil {
		return task.Message{}, err
	}
	if len(o.Payload) > task.MaxPayload {
		return task.Message{}, &TooLargeError{int64(len(o.Payload)), task.MaxPayload}
	}
	if err := s.fits(ctx, p, workers, o); err != nil {
		return task.Message{}, err
	}
	id, err := task.NewID()
	if err != nil {
		return task.Message{}, err
	}
	m := newMessage(p, workers, o, id)
	m.Body = o.Payload
	return m, nil
}

// fits holds a payload against the schema of its function.
func (s *Service) fits(ctx context.Context, p store.Project, workers *functions, o Order) error {
	schema, err := s.schema(ctx, p, workers, o.Function)
	if err != nil || o.Shape != "" {
		return err
	}
	if faults := binding.Check(schema, o.Payload); len(faults) > 0 {
		return &PayloadError{o.Function, faults}
	}
	return nil
}

// newMessage is the first message of a task, without its payload.
func newMessage(p store.Project, workers *functions, o Order, id string) task.Message {
	return task.Message{
		ID: id, Function: o.Function, Project: p.Name, Attempt: 1, First: 1, Enqueued: time.Now().UTC().Truncate(time.Microsecond),
		Release: workers.release, Shape: o.Shape,
	}
}

// batch are messages with the places of their orders.
type batch struct {
	project  store.Project
	at       []int
	messages []task.Message
	keys     []string
}

// publish notes messages and sends them.
func (s *Service) publish(ctx context.Context, b *batch, out []Sent) error {
	s.reserve(b.messages)
	added, err := s.Ledger.Add(ctx, b.project.ID, b.messages, b.keys)
	if err != nil {
		s.release(b.messages)
		return err
	}
	// Whoever asked may be gone: what is noted is sent all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), confirmTime)
	defer cancel()
	var send sending
	var others []awaited
	for i, a := range added {
		m, at := b.messages[i], b.at[i]
		out[at] = Sent{ID: a.ID, Existing: a.Existing}
		if a.Existing {
			s.release(b.messages[i : i+1])
			if !a.Unsent {
				continue
			}
			o, ours := s.join(a.ID)
			if others = append(others, awaited{at, o}); !ours {
				continue
			}
			if m, err = asBefore(m, a); err != nil {
				s.settle(a.ID, err)
				continue
			}
		}
		send.letters, send.places, send.again = append(send.letters, queue.TaskLetter("", m)), append(send.places, at), append(send.again, a.Existing)
	}
	err = s.sendAll(ctx, b.project, send, out)
	for _, other := range others {
		out[other.at].Err = other.wait(ctx)
	}
	return err
}

// sending are letters with the places of their orders. Those that are sent again had a
// row before.
type sending struct {
	letters []queue.Letter
	places  []int
	again   []bool
}

// sendAll publishes letters. Rows of those that were for certain not sent go, but where
// they were there before.
func (s *Service) sendAll(ctx context.Context, p store.Project, l sending, out []Sent) error {
	if len(l.letters) == 0 {
		return nil
	}
	var unsent []string
	for i, err := range s.line(p).publisher.PublishAll(ctx, l.letters) {
		s.settle(l.letters[i].ID, err)
		if err == nil {
			continue
		}
		out[l.places[i]].Err = err
		if !errors.Is(err, queue.ErrUnknown) && !l.again[i] {
			unsent = append(unsent, l.letters[i].ID)
		}
	}
	if len(unsent) == 0 {
		return nil
	}
	return s.Ledger.Drop(context.WithoutCancel(ctx), p.ID, unsent)
}
