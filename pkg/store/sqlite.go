package store

import (
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"fngen.dev/fngen/pkg/store/dialect"
)

var sqliteDialect = dialect.Dialect{Migrations: "sqlite", Duplicate: isSQLiteDuplicate, Refused: isSQLiteRefused, Busy: isSQLiteBusy}

func openSQLite(path string) (dialect.Database, error) {
	none := dialect.Database{}
	abs, err := filepath.Abs(path)
	if err != nil {
		return none, err
	}
	// SQLite would make the file with the umask's mode; its WAL takes the
	// mode of the database.
	file, err := os.OpenFile(abs, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return none, err
	}
	if err := file.Close(); err != nil {
		return none, err
	}
	write, err := sql.Open("sqlite", sqliteName(abs, "immediate"))
	if err != nil {
		return none, err
	}
	read, err := sql.Open("sqlite", sqliteName(abs, "deferred"))
	if err != nil {
		return none, errors.Join(err, write.Close())
	}
	return dialect.Database{Dialect: sqliteDialect, Write: write, Read: read}, nil
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
