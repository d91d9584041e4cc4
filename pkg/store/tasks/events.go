package tasks

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"fngen.dev/fngen/pkg/task"
)

// Apply notes what agents of a project tell, in one change. What is older than what is
// known changes nothing, nor does what is told of tasks that the project does not have.
func (l *Ledger) Apply(ctx context.Context, projectID int64, events []task.Event) error {
	return l.store.Change(ctx, func(tx *sql.Tx) error {
		const q = `UPDATE tasks SET state = $1, attempt = $2, rank = $3, started_at = CASE WHEN CAST($4 AS BIGINT) > 0 THEN $4 ELSE started_at END,
			next_at = $5, finished_at = $6, allocation = $7, server = $8, result = $9, error = $10
			WHERE id = $11 AND project_id = $12 AND (attempt < $2 OR (attempt = $2 AND rank < $3))`
		update, err := tx.PrepareContext(ctx, q)
		if err != nil {
			return fmt.Errorf("note events: %w", err)
		}
		defer func() { _ = update.Close() }() // it goes with the transaction
		for _, e := range events {
			if err := apply(ctx, tx, update, projectID, e); err != nil {
				return fmt.Errorf("note event of task %s: %w", e.ID, err)
			}
		}
		return nil
	})
}

func apply(ctx context.Context, tx *sql.Tx, update *sql.Stmt, projectID int64, e task.Event) error {
	started, finished := micro(e.StartedAt), int64(0)
	if e.State == task.Running && started == 0 {
		started = micro(e.At)
	}
	if e.State.Ended() {
		finished = micro(e.At)
		// Whoever tells of the end begins it no more.
		if _, err := tx.ExecContext(ctx, `UPDATE tasks SET cancelled = 0 WHERE id = $1 AND project_id = $2 AND cancelled = 1`, e.ID, projectID); err != nil {
			return err
		}
	}
	failure, err := encode(e.Error)
	if err != nil {
		return err
	}
	_, err = update.ExecContext(ctx, string(e.State), e.Attempt, e.State.Rank(), started, micro(e.NextAt), finished,
		e.Allocation, e.Server, blob(e.Result), failure, e.ID, projectID)
	return err
}

// encode writes an error as it is kept; nil for none.
func encode(e *task.Error) ([]byte, error) {
	if e == nil {
		return nil, nil
	}
	return json.Marshal(e)
}

func blob(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// Bury keeps the payload of a dead letter, so that it can be put back. failure says why
// the task died, where no agent has told it; nil where one has, or will.
func (l *Ledger) Bury(ctx context.Context, projectID int64, m task.Message, failure *task.Error) error {
	kept, err := encode(failure)
	if err != nil {
		return err
	}
	return l.store.Change(ctx, func(tx *sql.Tx) error {
		const keep = `UPDATE tasks SET payload = $1, cancelled = 0 WHERE id = $2 AND project_id = $3 AND attempt <= $4 AND state <> 'succeeded'`
		if _, err := tx.ExecContext(ctx, keep, blob(m.Body), m.ID, projectID, m.Attempt); err != nil {
			return fmt.Errorf("keep payload of task %s: %w", m.ID, err)
		}
		if failure == nil {
			return nil
		}
		const end = `UPDATE tasks SET state = 'dead', attempt = $1, rank = $2, error = $3, finished_at = $4
			WHERE id = $5 AND project_id = $6 AND (attempt < $1 OR (attempt = $1 AND rank < $2))`
		if _, err := tx.ExecContext(ctx, end, m.Attempt, task.Dead.Rank(), kept, l.now().UnixMicro(), m.ID, projectID); err != nil {
			return fmt.Errorf("bury task %s: %w", m.ID, err)
		}
		return nil
	})
}

// Starts is how often an attempt was begun that the broker handed out again.
func (l *Ledger) Starts(ctx context.Context, id string, attempt int) (int, error) {
	var starts int
	const q = `SELECT COALESCE(MAX(starts), 0) FROM task_claims WHERE id = $1 AND attempt = $2`
	if err := l.store.Reader().QueryRowContext(ctx, q, id, attempt).Scan(&starts); err != nil {
		return 0, fmt.Errorf("read claims of task %s: %w", id, err)
	}
	return starts, nil
}

// Claim notes that an allocation is about to begin an attempt once more, and returns the
// task as it stood, and how often it was claimed, this time included. It is not noted
// where the attempt is over.
func (l *Ledger) Claim(ctx context.Context, projectID int64, id string, attempt int, allocation string) (Task, int, error) {
	var t Task
	starts := 0
	err := l.store.Change(ctx, func(tx *sql.Tx) error {
		var err error
		if t, err = scan(tx.QueryRowContext(ctx, columns+`WHERE id = $1 AND project_id = $2`, id, projectID)); err != nil {
			return missing(err, id)
		}
		if t.Attempt > attempt || t.Attempt == attempt && t.State.Rank() > task.Running.Rank() {
			return nil
		}
		const q = `INSERT INTO task_claims (id, attempt, allocation, starts, at) VALUES ($1, $2, $3, 1, $4)
			ON CONFLICT (id, attempt) DO UPDATE SET allocation = excluded.allocation, starts = task_claims.starts + 1, at = excluded.at
			RETURNING starts`
		if err := tx.QueryRowContext(ctx, q, id, attempt, allocation, l.now().UnixMicro()).Scan(&starts); err != nil {
			return fmt.Errorf("claim task %s: %w", id, err)
		}
		return nil
	})
	return t, starts, err
}

// before is the time that was an age ago.
func (l *Ledger) before(age time.Duration) int64 { return l.now().Add(-age).UnixMicro() }
