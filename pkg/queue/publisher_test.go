package queue_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"

	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/queue/brokertest"
	"fngen.dev/fngen/pkg/task"
)

func TestUnroutable(t *testing.T) {
	_, b := declared(t, "unroutable", "send")
	p := queue.NewPublisher(t.Context(), b.ControlPlane("unroutable"), "test", brokertest.Log(t))
	defer p.Close()
	good, bad := newTask(t, "unroutable", "send"), newTask(t, "unroutable", "nowhere")
	errs := p.PublishAll(within(t), []queue.Letter{queue.TaskLetter("", good), queue.TaskLetter("", bad), queue.TaskLetter("", newTask(t, "unroutable", "send"))})
	if errs[0] != nil || !errors.Is(errs[1], queue.ErrUnroutable) || errs[2] != nil {
		t.Errorf("got %v", errs)
	}
}

// TestFullQueue: a queue that has as many as it may refuses, and says so.
func TestFullQueue(t *testing.T) {
	n, b := declared(t, "full", "send")
	small := map[string]any{"pattern": `^fn\.`, "apply-to": "queues", "priority": 1, "definition": map[string]any{"max-length": 1, "overflow": "reject-publish"}}
	if err := n.API(t.Context(), http.MethodPut, "/api/policies/fngen.full/small", small, nil); err != nil {
		t.Fatal(err)
	}
	p := queue.NewPublisher(t.Context(), b.ControlPlane("full"), "test", brokertest.Log(t))
	defer p.Close()
	eventually(t, "the queue is full", func() bool {
		return errors.Is(p.Publish(within(t), queue.TaskLetter("", newTask(t, "full", "send"))), queue.ErrFull)
	})
}

// TestConfirmsOfMany sends from many goroutines at once, through broken connections: what
// was confirmed is in the queue, and nothing is confirmed that is not.
func TestConfirmsOfMany(t *testing.T) {
	n, b := declared(t, "many", "send")
	p := queue.NewPublisher(t.Context(), b.ControlPlane("many"), "test", brokertest.Log(t))
	defer p.Close()
	var mu sync.Mutex
	confirmed, unsent := map[string]bool{}, map[string]bool{}
	var senders sync.WaitGroup
	pace := make(chan struct{})
	for range 8 {
		senders.Go(func() {
			for range 200 {
				<-pace
				m := newTask(t, "many", "send")
				err := p.Publish(within(t), queue.TaskLetter("", m))
				mu.Lock()
				switch {
				case err == nil:
					confirmed[m.ID] = true
				case !errors.Is(err, queue.ErrUnknown):
					unsent[m.ID] = true
				}
				mu.Unlock()
			}
		})
	}
	for range 8 {
		// The rest waits until the connection has been cut for certain.
		for range 100 {
			pace <- struct{}{}
		}
		if err := n.CutConnections(t.Context()); err != nil {
			t.Error(err)
		}
	}
	eventually(t, "the connection is cut", func() bool {
		if err := n.CutConnections(t.Context()); err != nil {
			t.Error(err)
		}
		return p.Lines() > 1
	})
	close(pace)
	senders.Wait()
	if len(confirmed) == 0 {
		t.Fatal("nothing was confirmed")
	}
	s := queue.NewSession(b.Worker("many", 1), "agent", brokertest.Log(t), queue.Source{Queue: task.Queue("many", "send"), Prefetch: 500})
	seen := map[string]bool{}
	for d := first(t, s); ; d = next(t, s) {
		seen[d.ID] = true
		if err := d.Ack(false); err != nil {
			t.Fatal(err)
		}
		delete(confirmed, d.ID)
		if unsent[d.ID] {
			t.Errorf("%s came, and was said not to be sent", d.ID)
		}
		if len(confirmed) == 0 {
			return
		}
	}
}

// TestBlocked: a broker that lacks disk fails nobody's publish by itself. Whoever sends is
// told soon, and it works by itself when there is disk again.
func TestBlocked(t *testing.T) {
	n := brokertest.Start(t)
	b := queue.New(n.Config())
	if err := b.Declare(t.Context(), "blocked", 1, []string{"send"}); err != nil {
		t.Fatal(err)
	}
	p := queue.NewPublisher(t.Context(), b.ControlPlane("blocked"), "test", brokertest.Log(t))
	defer p.Close()
	if err := p.Publish(within(t), queue.TaskLetter("", newTask(t, "blocked", "send"))); err != nil {
		t.Fatal(err)
	}
	if err := n.Ctl(t.Context(), "set_vm_memory_high_watermark", "0.0000001"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it says that the broker takes nothing", func() bool {
		return errors.Is(p.Publish(within(t), queue.TaskLetter("", newTask(t, "blocked", "send"))), queue.ErrBlocked)
	})
	began := within(t)
	if err := p.Publish(began, queue.TaskLetter("", newTask(t, "blocked", "send"))); !errors.Is(err, queue.ErrBlocked) || began.Err() != nil {
		t.Errorf("the next: %v", err)
	}
	// What is there can still be read and answered.
	s := queue.NewSession(b.Worker("blocked", 1), "agent", brokertest.Log(t), queue.Source{Queue: task.Queue("blocked", "send"), Prefetch: 1})
	if err := first(t, s).Ack(false); err != nil {
		t.Error(err)
	}
	if err := n.Ctl(t.Context(), "set_vm_memory_high_watermark", "0.6"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it goes on", func() bool {
		return p.Publish(within(t), queue.TaskLetter("", newTask(t, "blocked", "send"))) == nil
	})
}

// TestDeadline: without an answer in time, nobody knows.
func TestDeadline(t *testing.T) {
	_, b := declared(t, "deadline", "send")
	p := queue.NewPublisher(t.Context(), b.ControlPlane("deadline"), "test", brokertest.Log(t))
	defer p.Close()
	if err := p.Publish(within(t), queue.TaskLetter("", newTask(t, "deadline", "send"))); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Publish(over, queue.TaskLetter("", newTask(t, "deadline", "send"))); err == nil {
		t.Error("a message was sent after its time")
	}
	nobody := b.ControlPlane("deadline")
	nobody.URL = "amqp://127.0.0.1:1/none"
	q := queue.NewPublisher(t.Context(), nobody, "test", brokertest.Log(t))
	defer q.Close()
	if err := q.Publish(within(t), queue.TaskLetter("", newTask(t, "deadline", "send"))); !errors.Is(err, queue.ErrUnreachable) {
		t.Errorf("without a broker: %v", err)
	}
}
