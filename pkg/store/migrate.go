package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
)

// Files are named <number>_<what>.sql and run once, in order. A file that was
// released never changes.
//
//go:embed migrations/sqlite/*.sql
var migrations embed.FS

const migrationDir = "migrations/sqlite"

// migrate runs the migrations that db lacks, all in one transaction: two
// processes that open a new database at once do not meet halfway.
func migrate(ctx context.Context, db *sql.DB, now func() time.Time) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin migration: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	const table = `CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, at INTEGER NOT NULL)`
	if _, err := tx.ExecContext(ctx, table); err != nil {
		return fmt.Errorf("make migration table: %w", err)
	}
	done, current, err := applied(ctx, tx)
	if err != nil {
		return err
	}
	// ReadDir sorts by name.
	entries, err := migrations.ReadDir(migrationDir)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	newest := 0
	for _, entry := range entries {
		number, _, _ := strings.Cut(entry.Name(), "_")
		if newest, err = strconv.Atoi(number); err != nil {
			return fmt.Errorf("read migration %s: %w", entry.Name(), err)
		}
		if done[newest] {
			continue
		}
		if err := apply(ctx, tx, newest, entry.Name(), now()); err != nil {
			return err
		}
	}
	if current > newest {
		return fmt.Errorf("schema version %d is newer than this fngend, which knows %d: start the newer fngend", current, newest)
	}
	return tx.Commit()
}

// applied are the migrations that have run, and the newest of them. It is a set and
// not a number: of two branches the one that lands later may have the lower number.
func applied(ctx context.Context, tx *sql.Tx) (done map[int]bool, newest int, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT version FROM migrations`)
	if err != nil {
		return nil, 0, fmt.Errorf("read schema version: %w", err)
	}
	defer func() { _ = rows.Close() }()
	done = map[int]bool{}
	for rows.Next() {
		var version int
		if err := rows.Scan(&version); err != nil {
			return nil, 0, fmt.Errorf("read schema version: %w", err)
		}
		done[version], newest = true, max(newest, version)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("read schema version: %w", err)
	}
	return done, newest, nil
}

func apply(ctx context.Context, tx *sql.Tx, version int, name string, now time.Time) error {
	text, err := migrations.ReadFile(path.Join(migrationDir, name))
	if err != nil {
		return fmt.Errorf("read migration %s: %w", name, err)
	}
	if _, err := tx.ExecContext(ctx, string(text)); err != nil {
		return fmt.Errorf("run migration %s: %w", name, err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO migrations (version, at) VALUES ($1, $2)`, version, now.UnixMicro()); err != nil {
		return fmt.Errorf("note migration %s: %w", name, err)
	}
	return nil
}
