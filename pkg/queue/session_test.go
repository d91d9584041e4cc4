package queue_test

import (
	"errors"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/queue/brokertest"
	"fngen.dev/fngen/pkg/task"
)

// TestStaleAck: the library's own recovery would send the acknowledgement of a message from
// before the break to another message after it, which is lost. Here it meets nobody.
func TestStaleAck(t *testing.T) {
	n, b := declared(t, "stale", "send")
	p := queue.NewPublisher(t.Context(), b.ControlPlane("stale"), "test", brokertest.Log(t))
	defer p.Close()
	one, two := newTask(t, "stale", "send"), newTask(t, "stale", "send")
	for _, err := range p.PublishAll(within(t), []queue.Letter{queue.TaskLetter("", one), queue.TaskLetter("", two)}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	s := queue.NewSession(b.Worker("stale", 1), "agent", brokertest.Log(t), queue.Source{Queue: task.Queue("stale", "send"), Prefetch: 1})
	before := first(t, s)
	eventually(t, "the connection is cut", func() bool {
		if err := n.CutConnections(t.Context()); err != nil {
			t.Fatal(err)
		}
		return before.Stale()
	})
	after := next(t, s)
	for after.Stale() { // it was cut once more
		after = next(t, s)
	}
	if err := before.Ack(true); !errors.Is(err, queue.ErrStale) {
		t.Errorf("an answer to what came before: %v", err)
	}
	seen := map[string]bool{}
	for d := after; ; d = next(t, s) {
		if d.ID == before.ID && !d.Redelivered {
			t.Errorf("%s came again, and is not said to", d.ID)
		}
		seen[d.ID] = true
		if err := d.Ack(false); err != nil {
			t.Fatal(err)
		}
		if seen[one.ID] && seen[two.ID] {
			return
		}
	}
}

// TestSessionHears: control messages come over a queue of the session's own, and are there
// again after a break.
func TestSessionHears(t *testing.T) {
	n, b := declared(t, "hears", "send")
	p := queue.NewPublisher(t.Context(), b.ControlPlane("hears"), "test", brokertest.Log(t))
	defer p.Close()
	tell := func(id string) func() bool {
		return func() bool {
			// Unroutable as long as no agent listens.
			return p.Publish(within(t), queue.Letter{Exchange: task.ControlExchange, ID: id, Body: []byte(`{}`)}) == nil
		}
	}
	s := queue.NewSession(b.Worker("hears", 1), "agent", brokertest.Log(t),
		queue.Source{Queue: task.Queue("hears", "send"), Prefetch: 1},
		queue.Source{Queue: task.ControlQueue("alloc"), Prefetch: 10, Fanout: task.ControlExchange})
	go func() { eventually(t, "an agent listens", tell("1")) }()
	if d := first(t, s); d.Queue != task.ControlQueue("alloc") || d.ID != "1" || d.Ack(false) != nil {
		t.Errorf("heard %+v", d)
	}
	epoch := s.Epoch()
	eventually(t, "the session is cut and there again", func() bool {
		if err := n.CutConnections(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s.Epoch() > epoch
	})
	go func() { eventually(t, "an agent listens again", tell("2")) }()
	for d := next(t, s); d.ID != "2"; d = next(t, s) {
		_ = d.Ack(false) // the first may come again
	}
}

// TestPrefetchAndDrain: more may be under way after SetPrefetch, nothing new comes after
// Drain, and what came can be answered.
func TestPrefetchAndDrain(t *testing.T) {
	_, b := declared(t, "drain", "send")
	p := queue.NewPublisher(t.Context(), b.ControlPlane("drain"), "test", brokertest.Log(t))
	defer p.Close()
	var letters []queue.Letter
	for range 4 {
		letters = append(letters, queue.TaskLetter("", newTask(t, "drain", "send")))
	}
	if err := errors.Join(p.PublishAll(within(t), letters)...); err != nil {
		t.Fatal(err)
	}
	s := queue.NewSession(b.Worker("drain", 1), "agent", brokertest.Log(t), queue.Source{Queue: task.Queue("drain", "send"), Prefetch: 1})
	one := first(t, s)
	s.SetPrefetch(2)
	two, three := next(t, s), next(t, s)
	s.Drain()
	if err := errors.Join(one.Ack(false), two.Ack(false), three.Return()); err != nil {
		t.Fatal(err)
	}
	// What was on its way when it was said comes still, and is given back.
	eventually(t, "two tasks are left", func() bool {
		select {
		case d := <-s.Deliveries():
			if err := d.Return(); err != nil {
				t.Error(err)
			}
		default:
		}
		d, err := b.Depths(t.Context(), "drain")
		return err == nil && len(d) == 1 && d[0].Ready == 2 && d[0].Taken == 0
	})
}

// TestSilence: a broker that hands out nothing of what there is, over a connection that
// lives, is asked anew; one that has nothing, or whose messages are not answered, is not.
func TestSilence(t *testing.T) {
	_, b := declared(t, "silence", "send")
	p := queue.NewPublisher(t.Context(), b.ControlPlane("silence"), "test", brokertest.Log(t))
	defer p.Close()
	send := func() {
		t.Helper()
		if err := p.Publish(within(t), queue.TaskLetter("", newTask(t, "silence", "send"))); err != nil {
			t.Fatal(err)
		}
	}
	send()
	s := queue.NewSession(b.Worker("silence", 1), "agent", brokertest.Log(t), queue.Source{Queue: task.Queue("silence", "send"), Prefetch: 1})
	looks := make(chan time.Time)
	s.WatchAt(looks)
	look := func(times int) {
		for range times {
			looks <- time.Time{}
		}
	}
	one := first(t, s)
	send() // it waits for the answer to the first
	look(5)
	if err := errors.Join(one.Ack(false), next(t, s).Ack(false)); err != nil {
		t.Fatal(err)
	}
	look(5) // at an empty queue
	if s.Epoch() != 1 {
		t.Fatalf("connected %d times though nothing was wrong", s.Epoch())
	}
	if err := s.Silence(); err != nil {
		t.Fatal(err)
	}
	send()
	for {
		select {
		case looks <- time.Time{}:
		case d := <-s.Deliveries():
			if d.Epoch < 2 {
				t.Errorf("it came in epoch %d", d.Epoch)
			}
			return
		case <-time.After(patience):
			t.Fatal("the message never came")
		}
	}
}

// TestReject: a rejected task is a dead letter, with its body and headers.
func TestReject(t *testing.T) {
	_, b := declared(t, "reject", "send")
	p := queue.NewPublisher(t.Context(), b.ControlPlane("reject"), "test", brokertest.Log(t))
	defer p.Close()
	m := newTask(t, "reject", "send")
	if err := p.Publish(within(t), queue.TaskLetter("", m)); err != nil {
		t.Fatal(err)
	}
	agent := queue.NewSession(b.Worker("reject", 1), "agent", brokertest.Log(t), queue.Source{Queue: task.Queue("reject", "send"), Prefetch: 1})
	if err := first(t, agent).Reject(); err != nil {
		t.Fatal(err)
	}
	own := queue.NewSession(b.ControlPlane("reject"), "test", brokertest.Log(t), queue.Source{Queue: task.DeadQueue, Prefetch: 1})
	d := first(t, own)
	got, err := d.Task()
	if err != nil || got.ID != m.ID || got.Attempt != 1 || !got.Enqueued.Equal(m.Enqueued) || string(got.Body) != string(m.Body) {
		t.Errorf("got %+v, %v, want %+v", got, err, m)
	}
}
