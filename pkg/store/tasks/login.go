package tasks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Login is what was last written of how the workers of a project reach the broker: its
// digest and the number of its version, empty and 0 for nothing.
func (l *Ledger) Login(ctx context.Context, projectID int64) (digest string, version int64, err error) {
	const q = `SELECT digest, version FROM broker_logins WHERE project_id = $1`
	err = l.store.Reader().QueryRowContext(ctx, q, projectID).Scan(&digest, &version)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", 0, fmt.Errorf("read what is known of a login: %w", err)
	}
	return digest, version, nil
}

// KeepLogin notes what was written.
func (l *Ledger) KeepLogin(ctx context.Context, projectID int64, digest string, version int64) error {
	return l.store.Change(ctx, func(tx *sql.Tx) error {
		const q = `INSERT INTO broker_logins (project_id, digest, version) VALUES ($1, $2, $3)
			ON CONFLICT (project_id) DO UPDATE SET digest = excluded.digest, version = excluded.version`
		if _, err := tx.ExecContext(ctx, q, projectID, digest, version); err != nil {
			return fmt.Errorf("note a login: %w", err)
		}
		return nil
	})
}

// ForgetLogin forgets what was written.
func (l *Ledger) ForgetLogin(ctx context.Context, projectID int64) error {
	return l.store.Change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM broker_logins WHERE project_id = $1`, projectID); err != nil {
			return fmt.Errorf("forget a login: %w", err)
		}
		return nil
	})
}
