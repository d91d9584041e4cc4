package tasks

import (
	"context"
	"fmt"
	"time"

	"fngen.dev/fngen/pkg/task"
)

// Unfinished is a task that has not ended and whose payload is here.
type Unfinished struct {
	task.Message
	// NextAt is when its next attempt may begin; zero for at once.
	NextAt time.Time
}

// Unfinished lists the tasks of a project that have not ended, as messages of the
// attempt to come, the oldest first. It is for who carries tasks without a broker,
// and keeps the payload of each.
func (l *Ledger) Unfinished(ctx context.Context, projectID int64) ([]Unfinished, error) {
	const q = `SELECT id, function, state, attempt, first, release, shape, enqueued_at, next_at, payload FROM tasks
		WHERE project_id = $1 AND finished_at = 0 AND payload IS NOT NULL ORDER BY id`
	rows, err := l.store.Reader().QueryContext(ctx, q, projectID)
	if err != nil {
		return nil, fmt.Errorf("list tasks that have not ended: %w", err)
	}
	defer func() { _ = rows.Close() }() // Err below reports what it would
	var out []Unfinished
	for rows.Next() {
		var u Unfinished
		var state task.State
		var enqueued, next int64
		if err := rows.Scan(&u.ID, &u.Function, &state, &u.Attempt, &u.First, &u.Release, &u.Shape, &enqueued, &next, &u.Body); err != nil {
			return nil, fmt.Errorf("read tasks that have not ended: %w", err)
		}
		u.Enqueued, u.NextAt = at(enqueued), at(next)
		if state == task.Retrying {
			u.Attempt++
		}
		out = append(out, u)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list tasks that have not ended: %w", err)
	}
	return out, nil
}
