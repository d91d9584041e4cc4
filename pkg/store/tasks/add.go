package tasks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"fngen.dev/fngen/pkg/task"
)

// keyAge is how long a key gives the same task.
const keyAge = 24 * time.Hour

// Added is what became of a task that was to be added.
type Added struct {
	ID string
	// Existing says that its key belongs to a task that was sent before: there is
	// nothing to send.
	Existing bool
	// Unsent says that the broker has not confirmed that one, and nothing else tells
	// that it has it; Large is its payload where it is kept.
	Unsent bool
	Large  task.Large
}

// Add notes tasks that are about to be sent, in one change. keys has the key of each,
// empty for none. They count as unsent until Confirm.
func (l *Ledger) Add(ctx context.Context, projectID int64, ms []task.Message, keys []string) ([]Added, error) {
	out := make([]Added, len(ms))
	err := l.store.Change(ctx, func(tx *sql.Tx) error {
		for i, m := range ms {
			out[i] = Added{ID: m.ID}
			if keys[i] != "" {
				id, err := l.hold(ctx, tx, projectID, keys[i], m.ID)
				if err != nil {
					return err
				}
				if id != m.ID {
					if out[i], err = existing(ctx, tx, projectID, id); err != nil {
						return err
					}
					continue
				}
			}
			const q = `INSERT INTO tasks (id, project_id, function, state, attempt, rank, first, release, shape, enqueued_at, payload_sha256, payload_bytes, unsent)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1)`
			if _, err := tx.ExecContext(ctx, q, m.ID, projectID, m.Function, string(task.Queued), m.Attempt, task.Queued.Rank(), m.First,
				m.Release, m.Shape, m.Enqueued.UnixMicro(), m.Large.SHA256, m.Large.Bytes); err != nil {
				return fmt.Errorf("add task %s: %w", m.ID, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// existing is a task whose key was used before.
func existing(ctx context.Context, tx *sql.Tx, projectID int64, id string) (Added, error) {
	out := Added{ID: id, Existing: true}
	const q = `SELECT unsent = 1 AND state = 'queued', payload_sha256, payload_bytes FROM tasks WHERE id = $1 AND project_id = $2`
	err := tx.QueryRowContext(ctx, q, id, projectID).Scan(&out.Unsent, &out.Large.SHA256, &out.Large.Bytes)
	if errors.Is(err, sql.ErrNoRows) { // it has ended, and was too many
		return out, nil
	}
	if err != nil {
		return out, fmt.Errorf("read task %s: %w", id, err)
	}
	return out, nil
}

// hold gives a key to a task, unless another has it, and returns whose it is.
func (l *Ledger) hold(ctx context.Context, tx *sql.Tx, projectID int64, key, id string) (string, error) {
	now := l.now()
	var holder string
	var since int64
	err := tx.QueryRowContext(ctx, `SELECT id, at FROM task_keys WHERE project_id = $1 AND key = $2`, projectID, key).Scan(&holder, &since)
	if err == nil && now.Sub(time.UnixMicro(since)) < keyAge {
		return holder, nil
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read key of a task: %w", err)
	}
	const q = `INSERT INTO task_keys (project_id, key, id, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (project_id, key) DO UPDATE SET id = excluded.id, at = excluded.at`
	if _, err := tx.ExecContext(ctx, q, projectID, key, id, now.UnixMicro()); err != nil {
		return "", fmt.Errorf("keep key of task %s: %w", id, err)
	}
	return id, nil
}

// Drop forgets tasks that were added and for certain not sent.
func (l *Ledger) Drop(ctx context.Context, projectID int64, ids []string) error {
	return l.store.Change(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			for _, q := range []string{
				`DELETE FROM tasks WHERE project_id = $1 AND id = $2`, `DELETE FROM task_keys WHERE project_id = $1 AND id = $2`,
			} {
				if _, err := tx.ExecContext(ctx, q, projectID, id); err != nil {
					return fmt.Errorf("drop task %s: %w", id, err)
				}
			}
		}
		return nil
	})
}
