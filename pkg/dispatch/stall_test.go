package dispatch_test

import (
	"database/sql"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"fngen.dev/fngen/pkg/dispatch"
	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/queue/brokertest"
	"fngen.dev/fngen/pkg/store"
	"fngen.dev/fngen/pkg/store/tasks"
	"fngen.dev/fngen/pkg/task"
)

// exec changes the database under the ledger.
func (w *world) exec(statement string) {
	w.t.Helper()
	err := w.store.Change(w.t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(w.t.Context(), statement)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestRefusedEvent: an event whose values the database refuses is left out, and those
// beside and behind it are kept.
func TestRefusedEvent(t *testing.T) {
	w := newWorld(t, "refused")
	w.release(true, "send")
	w.exec(`CREATE TRIGGER poison BEFORE UPDATE ON tasks WHEN NEW.server = 'poison' BEGIN SELECT RAISE(ABORT, 'poison'); END`)
	a := w.agent("send")
	var ids []string
	for range 4 {
		ids = append(ids, w.send(dispatch.Caller{}, dispatch.Order{Function: "send", Payload: []byte(`{}`)}).ID)
	}
	bad := event(ids[1], 1, task.Succeeded)
	bad.Server = "poison"
	a.tell(event(ids[0], 1, task.Succeeded), bad, event(ids[2], 1, task.Succeeded))
	a.tell(event(ids[3], 1, task.Succeeded))
	for _, id := range []string{ids[0], ids[2], ids[3]} {
		w.until(id, "succeeded", func(got tasks.Task) bool { return got.State == task.Succeeded })
	}
	if got, err := w.Get(t.Context(), w.p, ids[1]); err != nil || got.State != task.Queued {
		t.Errorf("the refused one: %+v, %v", got, err)
	}
}

// TestDeadLetterOfAQueueThatIsGone: what the broker gave up and cannot be sent on ends as
// dead, can be put back, and holds up no other dead letter.
func TestDeadLetterOfAQueueThatIsGone(t *testing.T) {
	w := newWorld(t, "gone")
	w.release(true, "send", "pack")
	a := w.agent("send")
	sent := w.send(dispatch.Caller{}, dispatch.Order{Function: "send", Payload: []byte(`{"n":1}`)})
	other := w.send(dispatch.Caller{}, dispatch.Order{Function: "pack", Payload: []byte(`{}`)})
	d := a.next()
	m, err := d.Task()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Ack(false); err != nil {
		t.Fatal(err)
	}
	if err := w.broker.DropQueue(t.Context(), w.p.Name, "send"); err != nil {
		t.Fatal(err)
	}
	dead := queue.TaskLetter("", m)
	dead.Key = task.DeadQueue
	dead.Headers["x-death"] = []any{amqp.Table{"queue": task.Queue(m.Project, m.Function), "reason": "delivery_limit"}}
	operator := queue.NewPublisher(t.Context(), w.broker.ControlPlane(w.p.Name), "operator", brokertest.Log(t))
	defer operator.Close()
	if err := operator.Publish(t.Context(), dead); err != nil {
		t.Fatal(err)
	}
	got := w.until(sent.ID, "dead", func(got tasks.Task) bool { return got.State == task.Dead })
	if got.Error.Reason != task.ReasonUnroutable || !got.Kept {
		t.Errorf("dead: %+v", got)
	}
	b := w.agent("pack")
	second := b.next()
	if err := second.Reject(); err != nil {
		t.Fatal(err)
	}
	w.until(other.ID, "a dead letter", func(got tasks.Task) bool { return got.Kept })
	w.release(true, "send", "pack")
	if _, err := w.Retry(t.Context(), store.Actor{Email: "a"}, w.p, sent.ID); err != nil {
		t.Error(err)
	}
}

// untilRunning waits for the broker's counts, which are a little old.
func (w *world) untilRunning(function string, want int) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		queues, err := w.Queues(w.t.Context(), w.p)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, q := range queues {
			if q.Function == function && q.Running == want {
				return
			}
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("never %d of %s run: %+v", want, function, queues)
		}
	}
}

// TestUnsent: a task that was noted and never published is published when it is sent
// again with its key, and ends as failed when nobody does.
func TestUnsent(t *testing.T) {
	w := newWorld(t, "unsent")
	w.release(true, "send")
	// As a control plane leaves it that dies before it publishes.
	died := func(key string) string {
		t.Helper()
		id, err := task.NewID()
		if err != nil {
			t.Fatal(err)
		}
		m := task.Message{ID: id, Function: "send", Project: w.p.Name, Attempt: 1, First: 1, Release: 1, Enqueued: time.Now()}
		if _, err := w.Ledger.Add(t.Context(), w.p.ID, []task.Message{m}, []string{key}); err != nil {
			t.Fatal(err)
		}
		return id
	}
	order := func(key string) dispatch.Order {
		return dispatch.Order{Function: "send", Payload: []byte(`{"n":1}`), Key: key}
	}
	first := died("k")
	twice, err := w.Send(t.Context(), w.p, dispatch.Caller{}, []dispatch.Order{order("k"), order("k"), order("l"), order("l")})
	if err != nil {
		t.Fatal(err)
	}
	for i, sent := range twice {
		if sent.Err != nil || !sent.Existing != (i == 2) || i < 2 && sent.ID != first || i == 3 && sent.ID != twice[2].ID {
			t.Errorf("order %d: %+v", i, sent)
		}
	}
	a := w.agent("send")
	ds := []*queue.Delivery{a.next(), a.next()}
	if ds[0].ID != first || ds[1].ID != twice[2].ID || string(ds[0].Body) != `{"n":1}` {
		t.Errorf("published %s and %s", ds[0].ID, ds[1].ID)
	}
	if sent := w.send(dispatch.Caller{}, order("k")); sent.ID != first || !sent.Existing || sent.Err != nil {
		t.Errorf("once more: %+v", sent)
	}
	lost := died("m")
	look := func() {
		t.Helper()
		if err := w.EndUnsent(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	w.untilRunning("send", 2)
	look() // two are with an agent: it may be one of them
	if got, err := w.Get(t.Context(), w.p, lost); err != nil || got.State != task.Queued {
		t.Errorf("while the queue has tasks: %+v, %v", got, err)
	}
	for _, d := range ds {
		if err := d.Ack(false); err != nil {
			t.Fatal(err)
		}
	}
	got := w.until(lost, "failed", func(got tasks.Task) bool { look(); return got.State == task.Failed })
	if got.Error.Reason != task.ReasonNotSent || got.Kept {
		t.Errorf("lost: %+v", got)
	}
	if sent := w.send(dispatch.Caller{}, order("m")); sent.Err != nil || sent.ID == lost {
		t.Errorf("its key is still taken: %+v", sent)
	}
	a.tell(event(lost, 1, task.Succeeded)) // it had arrived after all
	w.until(lost, "succeeded", func(got tasks.Task) bool { return got.State == task.Succeeded })
}

// TestLoginIsWrittenOnce: what is there already is not written again, and what is not
// there any more is.
func TestLoginIsWrittenOnce(t *testing.T) {
	w := newWorld(t, "logins")
	for range 2 {
		w.release(true, "send")
	}
	if n := w.versions["logins"]; n != 1 {
		t.Errorf("written %d times", n)
	}
	delete(w.versions, "logins") // as a Vault that was set up anew
	w.release(true, "send")
	if n := w.versions["logins"]; n != 1 {
		t.Errorf("a Vault without it has version %d", n)
	}
	w.versions["logins"] = 5 // somebody else wrote
	w.release(true, "send")
	if n := w.versions["logins"]; n != 6 {
		t.Errorf("another's stays, version %d", n)
	}
}
