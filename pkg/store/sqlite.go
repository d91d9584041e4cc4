package store

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

var sqliteDialect = dialect{migrations: "sqlite", duplicate: isSQLiteDuplicate, refused: isSQLiteRefused, busy: isSQLiteBusy}

func openSQLite(ctx context.Context, path string) (*Store, error) {
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
	s := &Store{dialect: sqliteDialect}
	if s.write, err = sql.Open("sqlite", sqliteName(abs, "immediate")); err != nil {
		return nil, err
	}
	if s.read, err = sql.Open("sqlite", sqliteName(abs, "deferred")); err != nil {
		return nil, errors.Join(err, s.write.Close())
	}
	return s.ready(ctx)
}

func sqliteName(path, lock string) string {
	// A transaction that writes takes the lock when it begins: one that
	// upgrades later cannot wait, it fails with SQLITE_BUSY.
	q := url.Values{"_txlock": {lock}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "foreign_keys(1)", "synchronous(FULL)",
	}}
	u := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	return u.String()
}

// isSQLiteBusy finds the step at which SQLite does not wait, whatever its timeout:
// turning a new file into one with a WAL.
func isSQLiteBusy(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

func isSQLiteDuplicate(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

func isSQLiteRefused(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return false
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG:
		return true
	}
	return false
}
