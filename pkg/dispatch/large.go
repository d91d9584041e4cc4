package dispatch

import (
	"context"
	"fmt"
	"io"
	"os"

	"fngen.dev/fngen/pkg/binding"
	"fngen.dev/fngen/pkg/largepayload"
	"fngen.dev/fngen/pkg/store"
	"fngen.dev/fngen/pkg/task"
)

// SendLarge sends one task with a payload that is too large for a message: it is kept
// here, and the message says which it is. o has no payload; body has bytes of it.
func (s *Service) SendLarge(ctx context.Context, p store.Project, from Caller, o Order, body io.Reader, bytes int64) (Sent, error) {
	if bytes > task.MaxLarge {
		return Sent{}, &TooLargeError{bytes, task.MaxLarge}
	}
	workers, err := s.functionsFor(ctx, p, from)
	if err != nil {
		return Sent{}, err
	}
	if err := workers.check(o.Function); err != nil {
		return Sent{}, err
	}
	id, err := task.NewID()
	if err != nil {
		return Sent{}, err
	}
	m := newMessage(p, workers, o, id)
	if m.Large, err = s.Payloads.Put(ctx, p.ID, id, io.LimitReader(body, bytes)); err != nil {
		return Sent{}, err
	}
	out := []Sent{{}}
	if err = s.fitsLarge(ctx, p, workers, o, m); err == nil {
		err = s.publish(ctx, &batch{p, []int{0}, []task.Message{m}, []string{o.Key}}, out)
	}
	// The file is of the row with its id: where there is none, nobody needs it.
	if needs, asked := s.Ledger.NeedsPayload(context.WithoutCancel(ctx), p.ID, id); asked == nil && !needs {
		_ = s.Payloads.Remove(p.ID, id) // the sweep finds what is left
	}
	return out[0], err
}

// fitsLarge holds a large payload against its function, one at a time: what it takes of
// memory is bounded, and that of a payload of very many values is not, so that such a
// one is left to the worker.
func (s *Service) fitsLarge(ctx context.Context, p store.Project, workers *functions, o Order, m task.Message) error {
	select {
	case s.checking <- struct{}{}:
		defer func() { <-s.checking }()
	case <-ctx.Done():
		return ctx.Err()
	}
	var err error
	if o.Payload, err = s.Payloads.Read(p.ID, m.ID, m.Large); err != nil {
		return err
	}
	if o.Shape == "" && binding.Heavy(o.Payload) {
		if faults := binding.CheckForm(o.Payload); len(faults) > 0 {
			return &PayloadError{o.Function, faults}
		}
		return nil
	}
	return s.fits(ctx, p, workers, o)
}

// Payload opens the large payload of a task for the agent that is to run it.
func (s *Service) Payload(ctx context.Context, p store.Project, id string) (*os.File, task.Large, error) {
	t, err := s.Ledger.Get(ctx, p.ID, id)
	if err != nil {
		return nil, task.Large{}, err
	}
	if t.Large == (task.Large{}) {
		return nil, t.Large, fmt.Errorf("payload of task %s: %w", id, largepayload.ErrGone)
	}
	f, err := s.Payloads.Open(p.ID, id, t.Large)
	return f, t.Large, err
}

// PayloadBytes is what the large payloads of a project take of the disk.
func (s *Service) PayloadBytes(p store.Project) (int64, error) { return s.Payloads.Bytes(p.ID) }
