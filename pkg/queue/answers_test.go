package queue_test

import (
	"errors"
	"testing"

	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/queue/brokertest"
	"fngen.dev/fngen/pkg/task"
)

// TestAckAllCoversNoneThatIsOpen: messages are acknowledged together, and one among them
// that is not done with stays, also when it is the last to be heard of.
func TestAckAllCoversNoneThatIsOpen(t *testing.T) {
	n, b := declared(t, "together", "send")
	p := queue.NewPublisher(t.Context(), b.ControlPlane("together"), "test", brokertest.Log(t))
	defer p.Close()
	var letters []queue.Letter
	for range 8 {
		letters = append(letters, queue.TaskLetter("", newTask(t, "together", "send")))
	}
	if err := errors.Join(p.PublishAll(within(t), letters)...); err != nil {
		t.Fatal(err)
	}
	s := queue.NewSession(b.Worker("together", 1), "agent", brokertest.Log(t), queue.Source{Queue: task.Queue("together", "send"), Prefetch: 8})
	ds := []*queue.Delivery{first(t, s)}
	for len(ds) < 8 {
		ds = append(ds, next(t, s))
	}
	left := func(taken int) {
		t.Helper()
		eventually(t, "the rest is answered", func() bool {
			d, err := b.Depths(t.Context(), "together")
			return err == nil && len(d) == 1 && d[0].Ready == 0 && d[0].Taken == taken
		})
	}
	queue.AckAll([]*queue.Delivery{ds[5], ds[0], ds[1], ds[3]})
	left(4)
	if err := ds[4].Reject(); err != nil {
		t.Fatal(err)
	}
	left(3)
	queue.AckAll([]*queue.Delivery{ds[7]})
	left(2)
	epoch := s.Epoch()
	eventually(t, "the session is cut and there again", func() bool {
		if err := n.CutConnections(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s.Epoch() > epoch
	})
	queue.AckAll(ds) // of a connection that is gone: nothing
	for _, want := range []*queue.Delivery{ds[2], ds[6]} {
		if d := next(t, s); d.ID != want.ID {
			t.Errorf("%s comes again, not %s", d.ID, want.ID)
		}
	}
}
