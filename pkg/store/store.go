// Package store owns the control plane's rows: accounts, API keys, projects,
// trees, layers, releases, and the audit of every change to them.
//
// The database is SQLite in WAL mode. Several processes may have it open:
// `fngend key create` runs beside the server. A change and its audit row are
// one transaction, so the audit cannot miss a change nor tell of one that did
// not happen. Statements keep to the SQL that PostgreSQL has too, with $1
// placeholders; what is particular to SQLite is in this file and in
// migrations/sqlite.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// readers bounds the connections that only read. Each keeps a page cache.
const readers = 4

// Store is the open database. It is safe for concurrent use.
type Store struct {
	// write has one connection: SQLite has one writer, and waiting in
	// database/sql is fairer than waiting in the database.
	write *sql.DB
	read  *sql.DB
	now   func() time.Time
}

// Open opens the database at path, makes it when it is not there (mode 0600),
// and brings its tables up to date.
func Open(ctx context.Context, path string) (*Store, error) {
	s, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	return s, nil
}

func open(ctx context.Context, path string) (*Store, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// SQLite would make the file with the umask's mode; its WAL takes the
	// mode of the database.
	file, err := os.OpenFile(abs, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	s := &Store{now: time.Now}
	if s.write, err = sql.Open("sqlite", dsn(abs, "immediate")); err != nil {
		return nil, err
	}
	s.write.SetMaxOpenConns(1)
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.write.Close())
	}
	if s.read, err = sql.Open("sqlite", dsn(abs, "deferred")); err != nil {
		return nil, errors.Join(err, s.write.Close())
	}
	s.read.SetMaxOpenConns(readers)
	return s, nil
}

// openWait is how long a store waits for others that open the same database.
const openWait = 10 * time.Second

// migrate tries again while another process opens the database: turning it into
// one with a WAL is the step at which SQLite does not wait, whatever its timeout.
func (s *Store) migrate(ctx context.Context) error {
	err := migrate(ctx, s.write, s.now)
	for deadline := time.Now().Add(openWait); isBusy(err) && time.Now().Before(deadline); err = migrate(ctx, s.write, s.now) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return err
}

func isBusy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

func dsn(path, lock string) string {
	// A transaction that writes takes the lock when it begins: one that
	// upgrades later cannot wait, it fails with SQLITE_BUSY.
	q := url.Values{"_txlock": {lock}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "foreign_keys(1)", "synchronous(FULL)",
	}}
	u := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	return u.String()
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

// Reader is for statements that only read.
func (s *Store) Reader() *sql.DB { return s.read }

// Note audits a change in the transaction that makes it.
func (s *Store) Note(ctx context.Context, tx *sql.Tx, actor Actor, action, object string, detail map[string]any) error {
	return s.audit(ctx, tx, actor, action, object, detail)
}

// change runs f in a transaction that writes.
func (s *Store) change(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	// After Commit this does nothing; before it, the error of f is the one
	// that tells.
	defer func() { _ = tx.Rollback() }()
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit transaction: %w", err)
	}
	return nil
}

// isDuplicate reports whether err is a row that is there already.
func isDuplicate(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) &&
		(e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}
