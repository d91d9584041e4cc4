package tasks_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/store"
	"fngen.dev/fngen/pkg/store/tasks"
	"fngen.dev/fngen/pkg/task"
)

func TestKeys(t *testing.T) {
	w := newWorld(t)
	first, second := w.message("send"), w.message("send")
	add := func(m task.Message) tasks.Added {
		t.Helper()
		added, err := w.Add(t.Context(), w.p.ID, []task.Message{m}, []string{"order-1"})
		if err != nil {
			t.Fatal(err)
		}
		return added[0]
	}
	if got := add(first); got != (tasks.Added{ID: first.ID}) {
		t.Errorf("the first: %+v", got)
	}
	w.now = w.now.Add(24*time.Hour - time.Second)
	if got := add(second); got != (tasks.Added{ID: first.ID, Existing: true, Unsent: true}) {
		t.Errorf("within a day, not confirmed: %+v", got)
	}
	if err := w.Confirm(t.Context(), []string{first.ID}); err != nil {
		t.Fatal(err)
	}
	if got := add(second); got != (tasks.Added{ID: first.ID, Existing: true}) {
		t.Errorf("within a day: %+v", got)
	}
	w.now = w.now.Add(time.Second)
	if got := add(second); got != (tasks.Added{ID: second.ID}) {
		t.Errorf("after a day: %+v", got)
	}
	// What was never sent leaves its key free.
	if err := w.Drop(t.Context(), w.p.ID, []string{second.ID}); err != nil {
		t.Fatal(err)
	}
	third := w.message("send")
	if got := add(third); got != (tasks.Added{ID: third.ID}) {
		t.Errorf("after it was dropped: %+v", got)
	}
	if _, err := w.Get(t.Context(), w.p.ID, second.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the dropped one: %v", err)
	}
}

// TestEventsInAnyOrder: whatever order the events of a task come in, and however often,
// the ledger ends the same.
func TestEventsInAnyOrder(t *testing.T) {
	w := newWorld(t)
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 1, 3, 3, 0, 2, 0}} {
		m := w.add()
		failed := w.event(m, 1, task.Retrying)
		failed.Error, failed.NextAt = &task.Error{Reason: task.ReasonException, Message: "no"}, w.now.Add(time.Minute)
		done := w.event(m, 2, task.Succeeded)
		done.Result, done.StartedAt = json.RawMessage(`{"sent":true}`), w.now
		events := []task.Event{w.event(m, 1, task.Running), failed, w.event(m, 2, task.Running), done}
		for _, i := range order {
			w.apply(events[i])
		}
		got := w.get(m.ID)
		if got.State != task.Succeeded || got.Attempt != 2 || string(got.Result) != `{"sent":true}` || got.Error != nil || !got.NextAt.IsZero() ||
			!got.FinishedAt.Equal(done.At) || !got.StartedAt.Equal(w.now) {
			t.Errorf("order %v: %+v", order, got)
		}
	}
}

func TestEventsOfOthers(t *testing.T) {
	w := newWorld(t)
	m, other := w.add(), w.project("other")
	if err := w.Apply(t.Context(), other.ID, []task.Event{w.event(m, 1, task.Dead), w.event(w.message("send"), 1, task.Running)}); err != nil {
		t.Fatal(err)
	}
	if got := w.get(m.ID); got.State != task.Queued {
		t.Errorf("another project's agent made it %s", got.State)
	}
	if _, err := w.Get(t.Context(), other.ID, m.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("another project reads it: %v", err)
	}
}

func TestRetry(t *testing.T) {
	w := newWorld(t)
	m := w.add()
	if _, err := w.Retry(t.Context(), someone, w.p, m.ID); !errors.Is(err, tasks.ErrNotEnded) {
		t.Errorf("of one that waits: %v", err)
	}
	end := w.event(m, 3, task.Dead)
	end.Error = &task.Error{Reason: task.ReasonException, Message: "no"}
	w.apply(end)
	if _, err := w.Retry(t.Context(), someone, w.p, m.ID); !errors.Is(err, tasks.ErrPayload) {
		t.Errorf("without its payload: %v", err)
	}
	m.Attempt = 3
	if err := w.Bury(t.Context(), w.p.ID, m, nil); err != nil {
		t.Fatal(err)
	}
	again, err := w.Retry(t.Context(), someone, w.p, m.ID)
	if err != nil || again.Attempt != 4 || again.First != 4 || string(again.Body) != string(m.Body) || !again.Enqueued.Equal(m.Enqueued) || again.Function != "send" {
		t.Errorf("put back as %+v, %v", again, err)
	}
	if got := w.get(m.ID); got.State != task.Queued || !got.FinishedAt.IsZero() {
		t.Errorf("it stands at %+v", got)
	}
	if err := w.Undo(t.Context(), w.p.ID, again); err != nil {
		t.Fatal(err)
	}
	if got := w.get(m.ID); got.State != task.Dead || got.Attempt != 3 || !got.Kept {
		t.Errorf("taken back: %+v", got)
	}
	if again, err = w.Retry(t.Context(), someone, w.p, m.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.Sent(t.Context(), w.p.ID, again); err != nil {
		t.Fatal(err)
	}
	w.apply(end, w.event(m, 4, task.Succeeded))
	if got := w.get(m.ID); got.State != task.Succeeded || got.Kept {
		t.Errorf("at the end: %+v", got)
	}
}

func TestCancel(t *testing.T) {
	w := newWorld(t)
	waiting, running, done := w.add(), w.add(), w.add()
	w.apply(w.event(running, 1, task.Running), w.event(done, 1, task.Succeeded))
	for m, want := range map[*task.Message]task.State{&waiting: task.Failed, &running: task.Running, &done: task.Succeeded} {
		got, err := w.Cancel(t.Context(), someone, w.p, m.ID)
		if err != nil || got.State != want || want == task.Failed && got.Error.Reason != task.ReasonCancelled {
			t.Errorf("cancelled: %+v, %v, want %s", got, err, want)
		}
	}
	open := func(want ...string) {
		t.Helper()
		got, err := w.Cancelled(t.Context(), w.p.ID)
		slices.Sort(got)
		slices.Sort(want)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("agents are told of %v, %v, want %v", got, err, want)
		}
	}
	open(waiting.ID, running.ID)
	end := w.event(running, 1, task.Failed)
	end.Error = &task.Error{Reason: task.ReasonCancelled}
	late := w.event(waiting, 1, task.Succeeded)
	w.apply(end, late)
	open()
	if got := w.get(waiting.ID); got.State != task.Failed {
		t.Errorf("what was cancelled became %s", got.State)
	}
}

func TestClaims(t *testing.T) {
	w := newWorld(t)
	m := w.add()
	for want := 1; want <= 3; want++ {
		if _, starts, err := w.Claim(t.Context(), w.p.ID, m.ID, 1, "alloc"); err != nil || starts != want {
			t.Errorf("claim %d: %d, %v", want, starts, err)
		}
	}
	w.apply(w.event(m, 1, task.Succeeded))
	if got, starts, err := w.Claim(t.Context(), w.p.ID, m.ID, 1, "alloc"); err != nil || starts != 0 || got.State != task.Succeeded {
		t.Errorf("after its end: %+v, %d, %v", got, starts, err)
	}
	if n, err := w.Starts(t.Context(), m.ID, 1); err != nil || n != 3 {
		t.Errorf("starts: %d, %v", n, err)
	}
}

func TestPrune(t *testing.T) {
	w := newWorld(t)
	old, oldDead, waiting := w.add(), w.add(), w.add()
	w.apply(w.event(old, 1, task.Succeeded), w.event(oldDead, 1, task.Dead))
	w.now = w.now.Add(8 * 24 * time.Hour)
	young := w.add()
	w.apply(w.event(young, 1, task.Succeeded))
	if _, err := w.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, there := range map[string]bool{old.ID: false, oldDead.ID: true, waiting.ID: true, young.ID: true} {
		if _, err := w.Get(t.Context(), w.p.ID, id); (err == nil) != there {
			t.Errorf("%s: %v, want %t", id, err, there)
		}
	}
	if _, err := w.Bound(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for id, there := range map[string]bool{oldDead.ID: false, waiting.ID: true, young.ID: true} {
		if _, err := w.Get(t.Context(), w.p.ID, id); (err == nil) != there {
			t.Errorf("bounded: %s: %v, want %t", id, err, there)
		}
	}
	if oldest, err := w.Oldest(t.Context(), w.p.ID, "send"); err != nil || !oldest.Equal(waiting.Enqueued) {
		t.Errorf("the oldest: %s, %v", oldest, err)
	}
	if _, err := w.store.DeleteProject(t.Context(), someone, w.p.ID); err != nil {
		t.Errorf("a project with tasks: %v", err)
	}
}
