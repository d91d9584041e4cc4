package dispatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/dispatch"
	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/queue/brokertest"
	"fngen.dev/fngen/pkg/store"
	"fngen.dev/fngen/pkg/store/tasks"
	"fngen.dev/fngen/pkg/task"
)

func TestMain(m *testing.M) { os.Exit(brokertest.Main(m)) }

// patience stands for "never".
const patience = 2 * time.Minute

// TestLifeOfATask: it is sent byte for byte, fails, is a dead letter, is put back, and
// succeeds.
func TestLifeOfATask(t *testing.T) {
	w := newWorld(t, "life")
	w.release(true, "send")
	payload := `{ "n" : 9007199254740993, "s": "\u003c<" }`
	sent := w.send(dispatch.Caller{}, dispatch.Order{Function: "send", Payload: []byte(payload), Key: "k"})
	if sent.Err != nil {
		t.Fatal(sent.Err)
	}
	if again := w.send(dispatch.Caller{}, dispatch.Order{Function: "send", Payload: []byte(payload), Key: "k"}); again.ID != sent.ID || !again.Existing {
		t.Errorf("the same key: %+v", again)
	}
	a := w.agent("send")
	d := a.next()
	if d.ID != sent.ID || string(d.Body) != payload {
		t.Errorf("it came as %s: %s", d.ID, d.Body)
	}
	end := event(d.ID, 1, task.Dead)
	end.Error = &task.Error{Reason: task.ReasonException, Type: "ValueError", Message: "no"}
	a.tell(event(d.ID, 1, task.Running), end)
	if err := d.Reject(); err != nil {
		t.Fatal(err)
	}
	got := w.until(d.ID, "a dead letter", func(got tasks.Task) bool { return got.State == task.Dead && got.Kept })
	if got.Error.Type != "ValueError" || got.FinishedAt.IsZero() {
		t.Errorf("dead: %+v", got)
	}
	if _, err := w.Retry(t.Context(), store.Actor{Email: "a"}, w.p, d.ID); err != nil {
		t.Fatal(err)
	}
	second := a.next()
	m, err := second.Task()
	if err != nil || m.ID != sent.ID || m.Attempt != 2 || m.First != 2 || string(m.Body) != payload {
		t.Errorf("put back as %+v, %v", m, err)
	}
	waited := make(chan tasks.Task, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		got, _ := w.Wait(ctx, w.p, d.ID)
		waited <- got
	}()
	end = event(d.ID, 2, task.Succeeded)
	end.Result = json.RawMessage(`{"ok":true}`)
	a.tell(end)
	if err := second.Ack(false); err != nil {
		t.Fatal(err)
	}
	if got := <-waited; got.State != task.Succeeded || string(got.Result) != `{"ok":true}` || got.Kept {
		t.Errorf("at the end: %+v", got)
	}
}

// TestRefusals: nothing is noted of what was not sent.
func TestRefusals(t *testing.T) {
	w := newWorld(t, "refusals")
	if _, err := w.Send(t.Context(), w.p, dispatch.Caller{}, []dispatch.Order{{Function: "send", Payload: []byte(`1`)}}); err == nil {
		t.Error("nothing is live, and it was sent")
	}
	w.release(true, "send", "gone")
	if err := w.broker.DropQueue(t.Context(), "refusals", "gone"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		order dispatch.Order
		want  func(error) bool
	}{
		{"no such function", dispatch.Order{Function: "sent", Payload: []byte(`1`)}, isA[*dispatch.FunctionError]},
		{"no JSON", dispatch.Order{Function: "send", Payload: []byte(`{`)}, isA[*dispatch.PayloadError]},
		{"too large", dispatch.Order{Function: "send", Payload: make([]byte, task.MaxPayload+1)}, isA[*dispatch.TooLargeError]},
		{"its queue is gone", dispatch.Order{Function: "gone", Payload: []byte(`1`)}, func(err error) bool { return errors.Is(err, queue.ErrUnroutable) }},
	} {
		if sent := w.send(dispatch.Caller{}, c.order); !c.want(sent.Err) {
			t.Errorf("%s: %v", c.name, sent.Err)
		}
	}
	if list, err := w.List(t.Context(), w.p, tasks.Filter{Limit: 10}); err != nil || len(list) != 0 {
		t.Errorf("noted: %+v, %v", list, err)
	}
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// TestCallersRelease: a release that is not live yet sends tasks to its own functions.
func TestCallersRelease(t *testing.T) {
	w := newWorld(t, "callers")
	w.release(false, "send")
	w.releases["new"] = 1
	order := dispatch.Order{Function: "send", Payload: []byte(`{}`)}
	if sent := w.send(dispatch.Caller{Job: "web-shop", Allocation: "new"}, order); sent.Err != nil {
		t.Error(sent.Err)
	}
	if _, err := w.Send(t.Context(), w.p, dispatch.Caller{}, []dispatch.Order{order}); !isA[*dispatch.NotLiveError](err) {
		t.Errorf("a person: %v", err)
	}
}

func TestClaims(t *testing.T) {
	w := newWorld(t, "claims")
	w.release(true, "send")
	a := w.agent("send")
	sent := w.send(dispatch.Caller{}, dispatch.Order{Function: "send", Payload: []byte(`{}`)})
	d := a.next()
	running := event(sent.ID, 1, task.Running)
	a.tell(running)
	w.until(sent.ID, "running", func(got tasks.Task) bool { return got.State == task.Running })
	claim := func(allocation, want string) {
		t.Helper()
		if got, _, err := w.Claim(t.Context(), w.p, "task-send", allocation, sent.ID, 1); err != nil || got != want {
			t.Errorf("claim of %s: %s, %v, want %s", allocation, got, err, want)
		}
	}
	w.alive["one"] = true
	claim("two", dispatch.VerdictHeld)
	w.alive["one"] = false
	claim("two", dispatch.VerdictRun)
	claim("one", dispatch.VerdictRun)
	claim("three", dispatch.VerdictPoison)
	a.tell(event(sent.ID, 1, task.Succeeded))
	w.until(sent.ID, "done", func(got tasks.Task) bool { return got.State == task.Succeeded })
	claim("two", dispatch.VerdictDone)
	if err := d.Ack(false); err != nil {
		t.Error(err)
	}
}

// TestParked: the queue of a function that is gone stays as long as a task of it has not
// ended.
func TestParked(t *testing.T) {
	w := newWorld(t, "parked")
	w.release(true, "send", "pack")
	sent := w.send(dispatch.Caller{}, dispatch.Order{Function: "send", Payload: []byte(`{}`)})
	has := func(function string) bool {
		t.Helper()
		queues, err := w.Queues(t.Context(), w.p)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range queues {
			if q.Function == function {
				return true
			}
		}
		return false
	}
	tidy := func() {
		t.Helper()
		if err := w.Tidy(t.Context(), w.p, []string{"pack"}); err != nil {
			t.Fatal(err)
		}
	}
	tidy()
	if !has("send") || !has("pack") {
		t.Error("a queue with a task in it is gone")
	}
	a := w.agent("send")
	d := a.next()
	a.tell(event(sent.ID, 1, task.Succeeded))
	if err := d.Ack(false); err != nil {
		t.Fatal(err)
	}
	w.until(sent.ID, "done", func(got tasks.Task) bool { return got.State == task.Succeeded })
	for deadline := time.Now().Add(patience); has("send") && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		tidy() // the broker's counts are a little old
	}
	if has("send") || !has("pack") {
		t.Error("an empty queue of a function that is gone stays")
	}
	if err := w.Forget(t.Context(), w.p); err != nil || len(w.logins) != 0 {
		t.Errorf("forgotten: %v, %v", w.logins, err)
	}
}
