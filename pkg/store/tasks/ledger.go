// Package tasks is the ledger of tasks: what was sent, where it stands, and what came of
// it. The broker carries tasks and forgets them; this remembers.
//
// It learns what happens from the events of agents, which come in batches, late, twice
// and in any order. An attempt and the rank of a state within it order them, so that
// nothing goes back (pkg/task).
package tasks

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"fngen.dev/fngen/pkg/store"
	"fngen.dev/fngen/pkg/task"
)

// Ledger keeps tasks in the store's database. It is safe for concurrent use.
type Ledger struct {
	store *store.Store
	now   func() time.Time
}

// New makes a ledger in a store. now is the clock; nil for the machine's.
func New(s *store.Store, now func() time.Time) *Ledger {
	if now == nil {
		now = time.Now
	}
	return &Ledger{s, now}
}

// Task is one row.
type Task struct {
	ID        string
	ProjectID int64
	Function  string
	State     task.State
	// Attempt counts from 1; First is the first since it was sent or put back.
	Attempt, First int
	Release        int
	Shape          string
	EnqueuedAt     time.Time
	// StartedAt is of the last attempt, NextAt of the one to come; zero for none.
	StartedAt, NextAt, FinishedAt time.Time
	Allocation, Server            string
	// Result is JSON, nil for none.
	Result json.RawMessage
	Error  *task.Error
	// Kept says that the payload is here, so that the task can be put back; Large where it
	// is a file of its own, zero for none.
	Kept  bool
	Large task.Large
}

// ErrPayload is a task that cannot be put back, since its payload is gone.
var ErrPayload = errors.New("its payload is not kept any more")

// ErrNotEnded is a task that cannot be put back, since it goes on by itself.
var ErrNotEnded = errors.New("it has not failed")

const columns = `SELECT id, project_id, function, state, attempt, first, release, shape, enqueued_at, started_at, next_at, finished_at,
	allocation, server, result, error, payload IS NOT NULL OR payload_sha256 <> '', payload_sha256, payload_bytes FROM tasks `

type scanner interface{ Scan(...any) error }

func scan(row scanner) (Task, error) {
	var t Task
	var enqueued, started, next, finished int64
	var result, failure []byte
	err := row.Scan(&t.ID, &t.ProjectID, &t.Function, &t.State, &t.Attempt, &t.First, &t.Release, &t.Shape,
		&enqueued, &started, &next, &finished, &t.Allocation, &t.Server, &result, &failure, &t.Kept, &t.Large.SHA256, &t.Large.Bytes)
	if err != nil {
		return t, err
	}
	t.EnqueuedAt, t.StartedAt, t.NextAt, t.FinishedAt = at(enqueued), at(started), at(next), at(finished)
	t.Result = result
	if len(failure) > 0 {
		t.Error = &task.Error{}
		if err := json.Unmarshal(failure, t.Error); err != nil {
			return t, fmt.Errorf("read error of task %s: %w", t.ID, err)
		}
	}
	return t, nil
}

// at is a time as it is kept; 0 is none.
func at(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}

func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Get returns one task of a project, or store.ErrNotFound.
func (l *Ledger) Get(ctx context.Context, projectID int64, id string) (Task, error) {
	t, err := scan(l.store.Reader().QueryRowContext(ctx, columns+`WHERE id = $1 AND project_id = $2`, id, projectID))
	return t, missing(err, id)
}

func missing(err error, id string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("task %q %w", id, store.ErrNotFound)
	}
	return fmt.Errorf("read task %q: %w", id, err)
}

// Filter says which tasks a list has.
type Filter struct {
	// States and Function are of those that are listed; empty for all.
	States   []task.State
	Function string
	// Before is the id after which the page begins; empty for the newest.
	Before string
	Limit  int
}

// List returns tasks of a project, newest first.
func (l *Ledger) List(ctx context.Context, projectID int64, f Filter) ([]Task, error) {
	states := f.States
	if len(states) == 0 {
		states = []task.State{""}
	}
	var out []Task
	for _, state := range states { // each by its index; merged below
		query, args := columns+`WHERE project_id = $1`, []any{projectID}
		add := func(condition string, value any) {
			args = append(args, value)
			query += fmt.Sprintf(" AND "+condition, len(args))
		}
		if state != "" {
			add("state = $%d", string(state))
		}
		if f.Function != "" {
			add("function = $%d", f.Function)
		}
		if f.Before != "" {
			add("id < $%d", f.Before)
		}
		args = append(args, f.Limit)
		page, err := l.query(ctx, query+fmt.Sprintf(` ORDER BY id DESC LIMIT $%d`, len(args)), args...)
		if err != nil {
			return nil, err
		}
		out = merge(out, page, f.Limit)
	}
	return out, nil
}

// merge joins two pages that are in order, newest first.
func merge(a, b []Task, limit int) []Task {
	out := make([]Task, 0, min(len(a)+len(b), limit))
	for len(out) < limit && len(a)+len(b) > 0 {
		if len(b) == 0 || len(a) > 0 && a[0].ID > b[0].ID {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return out
}

func (l *Ledger) query(ctx context.Context, query string, args ...any) ([]Task, error) {
	rows, err := l.store.Reader().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list tasks: %w", err)
	}
	defer func() { _ = rows.Close() }() // Err below reports what it would
	var out []Task
	for rows.Next() {
		t, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read tasks: %w", err)
		}
		out = append(out, t)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list tasks: %w", err)
	}
	return out, nil
}

// Oldest is when the task of a function that has waited longest was sent; zero for none.
func (l *Ledger) Oldest(ctx context.Context, projectID int64, function string) (time.Time, error) {
	var first sql.NullInt64
	const q = `SELECT MIN(enqueued_at) FROM tasks WHERE project_id = $1 AND function = $2 AND finished_at = 0 AND state = 'queued'`
	if err := l.store.Reader().QueryRowContext(ctx, q, projectID, function).Scan(&first); err != nil {
		return time.Time{}, fmt.Errorf("read the oldest task of %s: %w", function, err)
	}
	return at(first.Int64), nil
}

// Open reports whether a function has tasks that have not ended.
func (l *Ledger) Open(ctx context.Context, projectID int64, function string) (bool, error) {
	var open bool
	const q = `SELECT EXISTS (SELECT 1 FROM tasks WHERE project_id = $1 AND function = $2 AND finished_at = 0)`
	if err := l.store.Reader().QueryRowContext(ctx, q, projectID, function).Scan(&open); err != nil {
		return false, fmt.Errorf("look for tasks of %s: %w", function, err)
	}
	return open, nil
}
