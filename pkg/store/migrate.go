package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"path"
	"strconv"
	"strings"

	"fngen.dev/fngen/pkg/store/dialect"
)

// Files are named <number>_<what>.sql and run once, in order. A file that was
// released never changes. Each has a twin of the same name for the other database.
//
//go:embed migrations/sqlite/*.sql migrations/postgres/*.sql
var migrations embed.FS

// migrateOnce runs the migrations that the database lacks, all in one transaction: two
// processes that open a new database at once do not meet halfway.
func (s *Store) migrateOnce(ctx context.Context) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		done, newest, err := migrated(ctx, tx)
		if err != nil {
			return err
		}
		files, err := migrationFiles(s.db)
		if err != nil {
			return err
		}
		for _, f := range files {
			if !done[f.number] {
				if err := s.apply(ctx, tx, f); err != nil {
					return err
				}
			}
		}
		if known := files[len(files)-1].number; newest > known {
			return fmt.Errorf("schema version %d is newer than this fngend, which knows %d: start the newer fngend", newest, known)
		}
		return nil
	})
}

// migrated are the numbers of the migrations that a database has, and the newest. It is
// a set: of two branches the one that lands later may have the lower number.
func migrated(ctx context.Context, tx *sql.Tx) (done map[int]bool, newest int, err error) {
	const table = `CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, at BIGINT NOT NULL)`
	if _, err := tx.ExecContext(ctx, table); err != nil {
		return nil, 0, fmt.Errorf("make migration table: %w", err)
	}
	rows, err := tx.QueryContext(ctx, `SELECT version FROM migrations`)
	if err != nil {
		return nil, 0, fmt.Errorf("read schema version: %w", err)
	}
	defer func() { _ = rows.Close() }() // Err reports what it would
	done = map[int]bool{}
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			return nil, 0, fmt.Errorf("read schema version: %w", err)
		}
		done[n], newest = true, max(newest, n)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("read schema version: %w", err)
	}
	return done, newest, nil
}

type migration struct {
	number int
	path   string
}

// migrationFiles are those of a database, in order.
func migrationFiles(of dialect.Dialect) ([]migration, error) {
	dir := path.Join("migrations", of.Migrations)
	entries, err := migrations.ReadDir(dir) // sorted by name
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	var out []migration
	for _, entry := range entries {
		text, _, _ := strings.Cut(entry.Name(), "_")
		number, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("read migration %s: %w", entry.Name(), err)
		}
		out = append(out, migration{number, path.Join(dir, entry.Name())})
	}
	return out, nil
}

func (s *Store) apply(ctx context.Context, tx *sql.Tx, m migration) error {
	text, err := migrations.ReadFile(m.path)
	if err != nil {
		return fmt.Errorf("read migration %s: %w", m.path, err)
	}
	if _, err := tx.ExecContext(ctx, string(text), s.db.Script...); err != nil {
		return fmt.Errorf("run migration %s: %w", m.path, err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO migrations (version, at) VALUES ($1, $2)`, m.number, s.now().UnixMicro()); err != nil {
		return fmt.Errorf("note migration %s: %w", m.path, err)
	}
	return nil
}
