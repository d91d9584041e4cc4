package tasks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// How long and how many tasks are kept after their end. One that failed is kept
// longer: a person may put it back.
const (
	succeededAge = 7 * 24 * time.Hour
	failedAge    = 30 * 24 * time.Hour
	// maxEnded bounds those of one project, whatever their age.
	maxEnded = 1_000_000
	// pruneStep is how many go in one change, so that no other waits long.
	pruneStep = 2_000
)

// Prune removes what is kept no longer, and returns how many tasks went.
func (l *Ledger) Prune(ctx context.Context) (int, error) {
	total := 0
	for _, step := range []struct {
		query string
		args  []any
	}{
		{`DELETE FROM tasks WHERE id IN (SELECT id FROM tasks WHERE finished_at > 0 AND finished_at < $1 AND state = 'succeeded' LIMIT $2)`, []any{l.before(succeededAge), pruneStep}},
		{`DELETE FROM tasks WHERE id IN (SELECT id FROM tasks WHERE finished_at > 0 AND finished_at < $1 LIMIT $2)`, []any{l.before(failedAge), pruneStep}},
		{`DELETE FROM task_keys WHERE at < $1`, []any{l.before(keyAge)}},
		{`DELETE FROM task_claims WHERE at < $1`, []any{l.before(failedAge)}},
	} {
		n, err := l.remove(ctx, step.query, step.args...)
		if err != nil {
			return total, err
		}
		total += n
	}
	n, err := l.Bound(ctx, maxEnded)
	return total + n, err
}

// remove runs a deletion until it finds nothing more.
func (l *Ledger) remove(ctx context.Context, query string, args ...any) (int, error) {
	for total := 0; ; {
		var n int64
		err := l.store.Change(ctx, func(tx *sql.Tx) error {
			result, err := tx.ExecContext(ctx, query, args...)
			if err == nil {
				n, err = result.RowsAffected()
			}
			return err
		})
		if err != nil {
			return total, fmt.Errorf("prune tasks: %w", err)
		}
		if total += int(n); n == 0 {
			return total, nil
		}
	}
}

// Bound removes the oldest ended tasks of each project that has more than it may.
func (l *Ledger) Bound(ctx context.Context, most int) (int, error) {
	const q = `DELETE FROM tasks WHERE id IN (
		SELECT id FROM tasks WHERE finished_at > 0 AND project_id = $1 AND id <= $2 LIMIT $3)`
	rows, err := l.store.Reader().QueryContext(ctx, `SELECT id FROM projects`)
	if err != nil {
		return 0, fmt.Errorf("prune tasks: %w", err)
	}
	var projects []int64
	for rows.Next() {
		var id int64
		if err = rows.Scan(&id); err != nil {
			break
		}
		projects = append(projects, id)
	}
	if err = firstOf(err, rows.Err(), rows.Close()); err != nil {
		return 0, fmt.Errorf("prune tasks: %w", err)
	}
	total := 0
	for _, p := range projects {
		var last string
		err := l.store.Reader().QueryRowContext(ctx, `SELECT id FROM tasks WHERE project_id = $1 AND finished_at > 0 ORDER BY id DESC LIMIT 1 OFFSET $2`, p, most).Scan(&last)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return total, fmt.Errorf("prune tasks: %w", err)
		}
		n, err := l.remove(ctx, q, p, last, pruneStep)
		if total += n; err != nil {
			return total, err
		}
	}
	return total, nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
