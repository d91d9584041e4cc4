package store

import (
	"context"
	"database/sql"
	"fmt"
)

// Events are some that came one after the other while a release was brought up.
type Events struct {
	ProjectID int64
	Number    int
	// First and Last are which they are, counted from 1.
	First, Last int
	// Lines are events as JSON, one a line.
	Lines []byte
}

// AddEvents keeps events of a release. Those that are kept already stay as they are.
func (s *Store) AddEvents(ctx context.Context, e Events) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		const q = `INSERT INTO release_events (project_id, number, first, last, lines) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (project_id, number, first) DO NOTHING`
		if _, err := tx.ExecContext(ctx, q, e.ProjectID, e.Number, e.First, e.Last, e.Lines); err != nil {
			return fmt.Errorf("keep events of release %d: %w", e.Number, err)
		}
		return nil
	})
}

// Events are those of a release that are kept, from the row on that has the next after
// one, in their order.
func (s *Store) Events(ctx context.Context, projectID int64, number, after int) ([]Events, error) {
	return collect(ctx, s.read, "events of a release", func(row *sql.Rows) (Events, error) {
		e := Events{ProjectID: projectID, Number: number}
		return e, row.Scan(&e.First, &e.Last, &e.Lines)
	}, `SELECT first, last, lines FROM release_events WHERE project_id = $1 AND number = $2 AND last > $3 ORDER BY first`, projectID, number, after)
}

// ForgetEvents removes those of a release.
func (s *Store) ForgetEvents(ctx context.Context, projectID int64, number int) error {
	return s.change(ctx, func(tx *sql.Tx) error { return forgetEvents(ctx, tx, projectID, number) })
}

func forgetEvents(ctx context.Context, tx *sql.Tx, projectID int64, number int) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM release_events WHERE project_id = $1 AND number = $2`, projectID, number); err != nil {
		return fmt.Errorf("forget events of release %d: %w", number, err)
	}
	return nil
}
