package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fngen.dev/fngen/pkg/payload"
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
	Faults   []payload.Fault
}

func (e *PayloadError) Error() string {
	return fmt.Sprintf("the payload does not fit function %q", e.Function)
}

// TooLargeError is a payload of too many bytes.
type TooLargeError struct{ Bytes int }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the payload has %d bytes; it may have %d", e.Bytes, task.MaxPayload)
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
	number := 0
	if from.Allocation != "" {
		var err error
		if number, err = s.callerRelease(ctx, p, from); err != nil {
			return nil, err
		}
	}
	workers, err := s.functionsOf(ctx, p, number)
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

// message makes a task of an order, if it is one.
func (s *Service) message(ctx context.Context, p store.Project, workers *functions, o Order) (task.Message, error) {
	if err := workers.check(o.Function); err != nil {
		return task.Message{}, err
	}
	if len(o.Payload) > task.MaxPayload {
		return task.Message{}, &TooLargeError{len(o.Payload)}
	}
	schema, err := s.schema(ctx, p, workers, o.Function)
	if err != nil {
		return task.Message{}, err
	}
	if o.Shape == "" {
		if faults := payload.Check(schema, o.Payload); len(faults) > 0 {
			return task.Message{}, &PayloadError{o.Function, faults}
		}
	}
	id, err := task.NewID()
	if err != nil {
		return task.Message{}, err
	}
	return task.Message{
		ID: id, Function: o.Function, Project: p.Name, Attempt: 1, First: 1, Enqueued: time.Now().UTC().Truncate(time.Microsecond),
		Release: workers.release, Shape: o.Shape, Body: o.Payload,
	}, nil
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
	added, err := s.Ledger.Add(ctx, b.project.ID, b.messages, b.keys)
	if err != nil {
		return err
	}
	var letters []queue.Letter
	var places []int
	for i, a := range added {
		out[b.at[i]] = Sent{ID: a.ID, Existing: a.Existing}
		if !a.Existing {
			letters, places = append(letters, queue.TaskLetter("", b.messages[i])), append(places, b.at[i])
		}
	}
	// Whoever asked may be gone: what is noted is sent all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), confirmTime)
	defer cancel()
	var unsent []string
	for i, err := range s.line(b.project).publisher.PublishAll(ctx, letters) {
		if err == nil {
			continue
		}
		out[places[i]].Err = err
		if !errors.Is(err, queue.ErrUnknown) {
			unsent = append(unsent, letters[i].ID)
		}
	}
	if len(unsent) == 0 {
		return nil
	}
	return s.Ledger.Drop(context.WithoutCancel(ctx), b.project.ID, unsent)
}
