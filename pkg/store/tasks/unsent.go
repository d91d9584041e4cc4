package tasks

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"fngen.dev/fngen/pkg/task"
)

// Confirm notes that the broker has tasks.
func (l *Ledger) Confirm(ctx context.Context, ids []string) error {
	return l.store.Change(ctx, func(tx *sql.Tx) error {
		update, err := tx.PrepareContext(ctx, `UPDATE tasks SET unsent = 0 WHERE id = $1 AND unsent = 1`)
		if err != nil {
			return fmt.Errorf("note what was sent: %w", err)
		}
		defer func() { _ = update.Close() }() // it goes with the transaction
		for _, id := range ids {
			if _, err := update.ExecContext(ctx, id); err != nil {
				return fmt.Errorf("note that task %s was sent: %w", id, err)
			}
		}
		return nil
	})
}

// maxUnsent is how many tasks Unsent returns.
const maxUnsent = 1_000

// Unsent are tasks that were added before some time, of which the broker confirmed none
// and no agent has told anything, oldest first.
func (l *Ledger) Unsent(ctx context.Context, age time.Duration) ([]Task, error) {
	return l.query(ctx, columns+`WHERE unsent = 1 AND state = 'queued' AND enqueued_at < $1 ORDER BY enqueued_at LIMIT $2`, l.before(age), maxUnsent)
}

// Lose ends tasks that were never sent, and frees their keys. Where an agent tells of one
// after all, that counts.
func (l *Ledger) Lose(ctx context.Context, lost []Task) error {
	failure, err := encode(&task.Error{Reason: task.ReasonNotSent, Message: "the broker did not confirm the task, and does not have it: it was not run. Send it again"})
	if err != nil {
		return err
	}
	return l.store.Change(ctx, func(tx *sql.Tx) error {
		for _, t := range lost {
			// Its rank stays: whatever is told of the attempt is later.
			const end = `UPDATE tasks SET state = 'failed', error = $1, finished_at = $2, unsent = 0 WHERE id = $3 AND unsent = 1 AND state = 'queued'`
			if _, err := tx.ExecContext(ctx, end, failure, l.now().UnixMicro(), t.ID); err != nil {
				return fmt.Errorf("end task %s, which was not sent: %w", t.ID, err)
			}
			if _, err := tx.ExecContext(ctx, `DELETE FROM task_keys WHERE project_id = $1 AND id = $2`, t.ProjectID, t.ID); err != nil {
				return fmt.Errorf("free the key of task %s: %w", t.ID, err)
			}
		}
		return nil
	})
}

// NeedsPayload reports whether a task may still be run with the payload that is kept for
// it: it goes on, or can be put back.
func (l *Ledger) NeedsPayload(ctx context.Context, projectID int64, id string) (bool, error) {
	var needs bool
	const q = `SELECT EXISTS (SELECT 1 FROM tasks WHERE id = $1 AND project_id = $2 AND payload_sha256 <> '' AND state <> 'succeeded')`
	if err := l.store.Reader().QueryRowContext(ctx, q, id, projectID).Scan(&needs); err != nil {
		return false, fmt.Errorf("look for task %s: %w", id, err)
	}
	return needs, nil
}

// Refused reports whether an error says that what was to be noted cannot be.
func (l *Ledger) Refused(err error) bool { return l.store.Refused(err) }
