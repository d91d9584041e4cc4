package tasks

import (
	"context"
	"database/sql"
	"fmt"

	"fngen.dev/fngen/pkg/store"
	"fngen.dev/fngen/pkg/task"
)

// Retry puts a task that failed or died back to be sent again, and returns it as a message:
// the same id, the next attempt, counted anew. Where it cannot be sent, Undo takes it back.
func (l *Ledger) Retry(ctx context.Context, actor store.Actor, p store.Project, id string) (task.Message, error) {
	m := task.Message{ID: id, Project: p.Name}
	err := l.store.Change(ctx, func(tx *sql.Tx) error {
		t, err := scan(tx.QueryRowContext(ctx, columns+`WHERE id = $1 AND project_id = $2`, id, p.ID))
		if err != nil {
			return missing(err, id)
		}
		switch {
		case t.State != task.Failed && t.State != task.Dead:
			return fmt.Errorf("task %s is %s: %w", id, t.State, ErrNotEnded)
		case !t.Kept:
			return fmt.Errorf("task %s: %w", id, ErrPayload)
		}
		if err := tx.QueryRowContext(ctx, `SELECT payload FROM tasks WHERE id = $1`, id).Scan(&m.Body); err != nil {
			return fmt.Errorf("read payload of task %s: %w", id, err)
		}
		m.Function, m.Shape, m.Enqueued, m.Release = t.Function, t.Shape, t.EnqueuedAt, t.Release
		m.Large = t.Large
		m.Attempt, m.First = t.Attempt+1, t.Attempt+1
		const q = `UPDATE tasks SET state = 'queued', attempt = $1, first = $1, rank = 0, finished_at = 0, next_at = 0, unsent = 1 WHERE id = $2`
		if _, err := tx.ExecContext(ctx, q, m.Attempt, id); err != nil {
			return fmt.Errorf("put task %s back: %w", id, err)
		}
		return l.store.Note(ctx, tx, actor, "task.retry", p.Name, map[string]any{"task": id})
	})
	return m, err
}

// Undo makes a task dead again that was put back and for certain not sent.
func (l *Ledger) Undo(ctx context.Context, projectID int64, m task.Message) error {
	return l.store.Change(ctx, func(tx *sql.Tx) error {
		const q = `UPDATE tasks SET state = 'dead', attempt = $1 - 1, rank = $2, finished_at = $3, unsent = 0
			WHERE id = $4 AND project_id = $5 AND attempt = $1 AND state = 'queued'`
		if _, err := tx.ExecContext(ctx, q, m.Attempt, task.Dead.Rank(), l.now().UnixMicro(), m.ID, projectID); err != nil {
			return fmt.Errorf("take task %s back: %w", m.ID, err)
		}
		return nil
	})
}

// Sent lets the payload of a task that was put back go: the broker has it.
func (l *Ledger) Sent(ctx context.Context, projectID int64, m task.Message) error {
	return l.store.Change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE tasks SET unsent = 0 WHERE id = $1 AND project_id = $2`, m.ID, projectID); err != nil {
			return fmt.Errorf("note that task %s was sent: %w", m.ID, err)
		}
		// A dead letter of the new attempt may be here already.
		const q = `UPDATE tasks SET payload = NULL WHERE id = $1 AND project_id = $2 AND attempt = $3 AND finished_at = 0`
		if _, err := tx.ExecContext(ctx, q, m.ID, projectID, m.Attempt); err != nil {
			return fmt.Errorf("note that task %s was sent: %w", m.ID, err)
		}
		return nil
	})
}

// Cancel ends a task that is not running, and marks one that is, for its agent to end it.
// It returns the task as it stands then.
func (l *Ledger) Cancel(ctx context.Context, actor store.Actor, p store.Project, id string) (Task, error) {
	var t Task
	failure, err := encode(&task.Error{Reason: task.ReasonCancelled, Message: "it was cancelled"})
	if err != nil {
		return t, err
	}
	err = l.store.Change(ctx, func(tx *sql.Tx) error {
		const end = `UPDATE tasks SET state = 'failed', rank = $1, error = $2, finished_at = $3, next_at = 0, cancelled = 1
			WHERE id = $4 AND project_id = $5 AND state IN ('queued', 'retrying')`
		if _, err := tx.ExecContext(ctx, end, task.Failed.Rank(), failure, l.now().UnixMicro(), id, p.ID); err != nil {
			return fmt.Errorf("cancel task %s: %w", id, err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE tasks SET cancelled = 1 WHERE id = $1 AND project_id = $2 AND state = 'running'`, id, p.ID); err != nil {
			return fmt.Errorf("cancel task %s: %w", id, err)
		}
		if t, err = scan(tx.QueryRowContext(ctx, columns+`WHERE id = $1 AND project_id = $2`, id, p.ID)); err != nil {
			return missing(err, id)
		}
		return l.store.Note(ctx, tx, actor, "task.cancel", p.Name, map[string]any{"task": id})
	})
	return t, err
}

// maxCancelled is how many cancelled tasks an agent is told of when it starts.
const maxCancelled = 10_000

// Cancelled are tasks of a project that an agent may still come across, newest first.
func (l *Ledger) Cancelled(ctx context.Context, projectID int64) ([]string, error) {
	rows, err := l.store.Reader().QueryContext(ctx, `SELECT id FROM tasks WHERE project_id = $1 AND cancelled = 1 ORDER BY id DESC LIMIT $2`, projectID, maxCancelled)
	if err != nil {
		return nil, fmt.Errorf("list cancelled tasks: %w", err)
	}
	defer func() { _ = rows.Close() }() // Err below reports what it would
	out := []string{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("list cancelled tasks: %w", err)
		}
		out = append(out, id)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list cancelled tasks: %w", err)
	}
	return out, nil
}
