// Package store owns the control plane's rows: accounts, API keys, projects,
// trees, layers, releases, and the audit of every change to them.
//
// The database is SQLite in WAL mode or PostgreSQL, and one suite holds both to the
// same. Several processes may have it open: `fngend key create` runs beside the
// server. A change and its audit row are one transaction, so the audit cannot miss a
// change nor tell of one that did not happen. Changes take turns, whatever the
// database: SQLite has one writer, and in PostgreSQL each takes the same lock first.
// Statements are those that both understand, with $1 placeholders; what is particular
// to one is in sqlite.go or the package of an engine, and in its migrations.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"fngen.dev/fngen/pkg/store/dialect"
)

// readers bounds the connections that only read. In SQLite each keeps a page cache,
// in PostgreSQL each is a process of the server.
const readers = 4

// Store is the open database. It is safe for concurrent use.
type Store struct {
	// write has one connection: changes take turns, and waiting in database/sql is
	// fairer than waiting in the database.
	write *sql.DB
	read  *sql.DB
	db    dialect.Dialect
	now   func() time.Time
}

// Open opens a database, makes it when it is not there, and brings its tables up to
// date. It is the path of a file of SQLite's (mode 0600), or what one of the engines
// owns. No error shows a password.
func Open(ctx context.Context, database string, engines ...dialect.Engine) (*Store, error) {
	return OpenAt(ctx, database, time.Now, engines...)
}

// OpenAt is Open with another clock, for tests that let days pass.
func OpenAt(ctx context.Context, database string, now func() time.Time, engines ...dialect.Engine) (*Store, error) {
	open, name := openSQLite, database
	for _, engine := range engines {
		if engine.Owns(database) {
			open, name = engine.Open, "in "+engine.Name
		}
	}
	db, err := open(database)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", name, err)
	}
	s := &Store{write: db.Write, read: db.Read, db: db.Dialect, now: now}
	if err := s.ready(ctx); err != nil {
		if db.Place != "" {
			err = fmt.Errorf("%s: %w", db.Place, err)
		}
		return nil, fmt.Errorf("open store %s: %w", name, err)
	}
	return s, nil
}

// ready brings the tables of a store up to date before anybody reads.
func (s *Store) ready(ctx context.Context) error {
	s.write.SetMaxOpenConns(1)
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	if err := s.migrate(ctx); err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}

// openWait is how long a store waits for others that open the same database.
const openWait = 10 * time.Second

// migrate tries again while another process opens the database.
func (s *Store) migrate(ctx context.Context) error {
	err := s.migrateOnce(ctx)
	for deadline := time.Now().Add(openWait); s.db.Busy(err) && time.Now().Before(deadline); err = s.migrateOnce(ctx) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return err
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.read.QueryRowContext(ctx, `SELECT 1`).Scan(&one); err != nil {
		return fmt.Errorf("reach store: %w", err)
	}
	return nil
}

// Close closes the database after the statements that run have ended.
func (s *Store) Close() error {
	return errors.Join(s.read.Close(), s.write.Close())
}

// Change runs f in a transaction that writes, for packages below this one with tables of
// their own.
func (s *Store) Change(ctx context.Context, f func(tx *sql.Tx) error) error { return s.change(ctx, f) }

// Refused reports whether the database does not take the values of a statement: it would
// refuse them again.
func (s *Store) Refused(err error) bool { return s.db.Refused(err) }

// Reader is for statements that only read.
func (s *Store) Reader() *sql.DB { return s.read }

// Note audits a change in the transaction that makes it.
func (s *Store) Note(ctx context.Context, tx *sql.Tx, actor Actor, action, object string, detail map[string]any) error {
	return s.audit(ctx, tx, actor, action, object, detail)
}

// change runs f in a transaction that writes, while no other change runs.
func (s *Store) change(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	// After Commit this does nothing; before it, the error of f is the one
	// that tells.
	defer func() { _ = tx.Rollback() }()
	if err := s.takeTurn(ctx, tx); err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit transaction: %w", err)
	}
	return nil
}

func (s *Store) takeTurn(ctx context.Context, tx *sql.Tx) error {
	if s.db.Lock == "" {
		return nil
	}
	if _, err := tx.ExecContext(ctx, s.db.Lock); err != nil {
		return fmt.Errorf("wait for other changes of the store: %w", err)
	}
	return nil
}

// Errors that a caller can act on. They read as the end of a sentence whose
// subject is what was asked for: `project "shop" does not exist`.
var (
	ErrNotFound        = errors.New("does not exist")
	ErrExists          = errors.New("exists already")
	ErrUnauthenticated = errors.New("not authenticated")
	// ErrState is a change of state that the table in release.go does not have.
	ErrState = errors.New("cannot change state")
)

// missing turns the driver's "no rows" into ErrNotFound with its subject.
func missing(err error, format string, args ...any) error {
	subject := fmt.Sprintf(format, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s %w", subject, ErrNotFound)
	}
	return fmt.Errorf("read %s: %w", subject, err)
}

// taken turns the driver's constraint error into ErrExists with its subject.
func (s *Store) taken(err error, format string, args ...any) error {
	subject := fmt.Sprintf(format, args...)
	if s.db.Duplicate(err) {
		return fmt.Errorf("%s %w", subject, ErrExists)
	}
	return fmt.Errorf("add %s: %w", subject, err)
}
