package queue_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/queue/brokertest"
	"fngen.dev/fngen/pkg/task"
)

func TestMain(m *testing.M) { os.Exit(brokertest.Main(m)) }

// patience stands for "never".
const patience = 2 * time.Minute

// declared is a node with one project.
func declared(t *testing.T, project string, functions ...string) (*brokertest.Node, *queue.Broker) {
	t.Helper()
	n := brokertest.Shared(t)
	b := queue.New(n.Config())
	if err := b.Declare(t.Context(), project, 1, functions); err != nil {
		t.Fatal(err)
	}
	return n, b
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func newTask(t *testing.T, project, function string) task.Message {
	t.Helper()
	id, err := task.NewID()
	if err != nil {
		t.Fatal(err)
	}
	return task.Message{
		ID: id, Project: project, Function: function, Attempt: 1, First: 1,
		Enqueued: time.UnixMicro(time.Now().UnixMicro()).UTC(), Body: []byte(`{"n": 9007199254740993}`),
	}
}

func TestDeclareTwice(t *testing.T) {
	n, b := declared(t, "twice", "send", "pack")
	if err := b.Declare(t.Context(), "twice", 1, []string{"send"}); err != nil {
		t.Fatal(err)
	}
	// What a push no longer has stays: there may be tasks in it.
	eventually(t, "the broker lists both queues", func() bool {
		d, err := b.Depths(t.Context(), "twice")
		return err == nil && len(d) == 2 && d[0].Function == "pack" && d[1].Function == "send"
	})
	var policies []struct {
		Name       string         `json:"name"`
		Definition map[string]any `json:"definition"`
	}
	if err := n.API(t.Context(), http.MethodGet, "/api/policies/fngen.twice", nil, &policies); err != nil {
		t.Fatal(err)
	}
	if want := len(task.Tiers) + 3; len(policies) != want {
		t.Errorf("%d policies, want %d", len(policies), want)
	}
	if err := b.DropQueue(t.Context(), "twice", "pack"); err != nil {
		t.Fatal(err)
	}
	if err := b.Destroy(t.Context(), "twice"); err != nil {
		t.Fatal(err)
	}
	if d, err := b.Depths(t.Context(), "twice"); err != nil || d != nil {
		t.Errorf("after the end: %v, %v", d, err)
	}
	if err := errors.Join(b.Destroy(t.Context(), "twice"), b.DropQueue(t.Context(), "twice", "send")); err != nil {
		t.Errorf("what is not there: %v", err)
	}
}

// TestWorkersRights: the login of a project's agents sends nothing to a queue of a
// function but through a tier, and is nobody elsewhere.
func TestWorkersRights(t *testing.T) {
	_, b := declared(t, "rights", "send")
	if err := b.Declare(t.Context(), "other", 2, []string{"send"}); err != nil {
		t.Fatal(err)
	}
	agent := queue.NewPublisher(t.Context(), b.Worker("rights", 1), "agent", brokertest.Log(t))
	defer agent.Close()
	m := newTask(t, "rights", "send")
	direct := queue.TaskLetter("", m)
	if err := agent.Publish(within(t), direct); !errors.Is(err, queue.ErrUnknown) {
		t.Errorf("straight to the queue: %v; the broker closes the channel of whoever may not", err)
	}
	eventually(t, "an agent sends through a tier", func() bool {
		return agent.Publish(within(t), queue.TaskLetter(task.DelayExchange(task.Tiers[0]), m)) == nil
	})
	own := queue.NewSession(b.Worker("rights", 1), "agent", brokertest.Log(t), queue.Source{Queue: task.Queue("rights", "send"), Prefetch: 1})
	if got := first(t, own); got.ID != m.ID || string(got.Body) != string(m.Body) {
		t.Errorf("through the tier came %+v", got)
	}
	stranger := b.Worker("rights", 1)
	stranger.URL = b.Worker("other", 2).URL
	refused := queue.NewPublisher(t.Context(), stranger, "stranger", brokertest.Log(t))
	defer refused.Close()
	if err := refused.Publish(within(t), queue.TaskLetter(task.DelayExchange(task.Tiers[0]), m)); !errors.Is(err, queue.ErrUnreachable) {
		t.Errorf("another project's: %v", err)
	}
}

// first runs a session until its first message.
func first(t *testing.T, s *queue.Session) *queue.Delivery {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	t.Cleanup(func() { end(); <-done })
	return next(t, s)
}

func next(t *testing.T, s *queue.Session) *queue.Delivery {
	t.Helper()
	select {
	case d := <-s.Deliveries():
		return d
	case <-time.After(patience):
		t.Fatal("no message came")
		return nil
	}
}
