package tasks

import (
	"context"
	"errors"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/queue/brokertest"
	"fngen.dev/fngen/pkg/task"
)

// Payload answers as the control plane does; without payloads it has none any more.
func (l *line) Payload(_ context.Context, id string, is task.Large) ([]byte, error) {
	l.mu.Lock()
	payload := l.payload
	l.mu.Unlock()
	if payload == nil {
		return nil, ErrPayloadGone
	}
	return payload(id, is)
}

// sendLarge queues a task whose payload the control plane has.
func (l *line) sendLarge() string {
	l.t.Helper()
	id, err := task.NewID()
	if err != nil {
		l.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	defer cancel()
	m := task.Message{ID: id, Project: l.project, Function: "f", Attempt: 1, First: 1, Enqueued: time.Now(), Large: task.Large{SHA256: aDigest, Bytes: 9}}
	if err := l.sender.Publish(ctx, queue.TaskLetter("", m)); err != nil {
		l.t.Fatal(err)
	}
	return id
}

const aDigest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// TestLargePayload: a payload is fetched when its task is about to run. While that fails
// the task waits and is not charged, and where it is gone the task ends.
func TestLargePayload(t *testing.T) {
	l := newLine(t, brokertest.Shared(t), "largepay", noted+`
def f(text: str):
    note(text)
    return text
`)
	fetches := 0
	l.payload = func(string, task.Large) ([]byte, error) { // of the lock of l
		fetches++
		if fetches == 1 {
			return nil, errors.New("the control plane is away")
		}
		return []byte(`"a large"`), nil
	}
	l.work("one")
	if e := l.end(l.sendLarge()); e.State != task.Succeeded || string(e.Result) != `"a large"` || e.Attempt != 1 {
		t.Errorf("it ended as %+v", e)
	}
	l.mu.Lock()
	l.payload = nil
	l.mu.Unlock()
	if e := l.end(l.sendLarge()); e.State != task.Failed || e.Error.Reason != task.ReasonPayloadGone {
		t.Errorf("without its payload it ended as %+v", e)
	}
	l.empty()
}

// TestHeldAndThenRun: a task that another allocation ran, and lost, is run by the agent
// that had put it off.
func TestHeldAndThenRun(t *testing.T) {
	l := newLine(t, brokertest.Shared(t), "held", noted+`
def f(n: int):
    note(str(n))
`)
	claims := 0
	l.claims = func(string, int) (Verdict, error) {
		claims++
		if claims == 1 {
			return Held, nil
		}
		return Run, nil
	}
	other := queue.NewSession(l.broker.Worker(l.project, 1), "other", brokertest.Log(t), queue.Source{Queue: task.Queue(l.project, "f"), Prefetch: 1})
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { defer close(over); other.Run(ctx) }()
	id := l.send(`7`)[0]
	<-other.Deliveries()
	cancel() // it goes back, and is handed out once more
	<-over
	l.work("one")
	if e := l.end(id); e.State != task.Succeeded || e.Attempt != 1 {
		t.Errorf("it ended as %+v", e)
	}
	l.empty()
}
