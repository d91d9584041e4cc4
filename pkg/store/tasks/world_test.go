package tasks_test

import (
	"path/filepath"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/store"
	"fngen.dev/fngen/pkg/store/postgres"
	"fngen.dev/fngen/pkg/store/tasks"
	"fngen.dev/fngen/pkg/task"
)

// world is a ledger with one project and a clock that stands.
type world struct {
	*tasks.Ledger
	t     *testing.T
	store *store.Store
	p     store.Project
	now   time.Time
}

var someone = store.Actor{Email: "a@example.com"}

// database makes one for a test: of SQLite, unless TestPostgres says otherwise.
var database = func(t *testing.T) string { return filepath.Join(t.TempDir(), "db") }

func newWorld(t *testing.T) *world {
	t.Helper()
	s, err := store.Open(t.Context(), database(t), postgres.Engine)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	w := &world{t: t, store: s, now: time.Date(2026, 11, 28, 5, 0, 0, 0, time.UTC)}
	w.Ledger = tasks.New(s, func() time.Time { return w.now })
	w.p = w.project("shop")
	return w
}

func (w *world) project(name string) store.Project {
	w.t.Helper()
	account, err := w.store.CreateAccount(w.t.Context(), someone, name+"@example.com")
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := w.store.CreateProject(w.t.Context(), store.Actor{AccountID: account.ID}, name)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) message(function string) task.Message {
	id, err := task.NewID()
	if err != nil {
		w.t.Fatal(err)
	}
	return task.Message{ID: id, Function: function, Project: w.p.Name, Attempt: 1, First: 1, Release: 4, Enqueued: w.now, Body: []byte(`{"n":1}`)}
}

// add adds one task without a key.
func (w *world) add() task.Message {
	w.t.Helper()
	m := w.message("send")
	if _, err := w.Add(w.t.Context(), w.p.ID, []task.Message{m}, []string{""}); err != nil {
		w.t.Fatal(err)
	}
	return m
}

func (w *world) apply(events ...task.Event) {
	w.t.Helper()
	if err := w.Apply(w.t.Context(), w.p.ID, events); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) get(id string) tasks.Task {
	w.t.Helper()
	got, err := w.Get(w.t.Context(), w.p.ID, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func (w *world) event(m task.Message, attempt int, state task.State) task.Event {
	return task.Event{ID: m.ID, Function: m.Function, Attempt: attempt, State: state, At: w.now.Add(time.Duration(attempt) * time.Second)}
}
