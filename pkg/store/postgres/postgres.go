// Package postgres is PostgreSQL as a database of the store.
package postgres

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"fngen.dev/fngen/pkg/store/dialect"
)

// changesLock is the advisory lock of all changes, in each database of its own.
const changesLock = 0x666e67656e // "fngen"

const (
	// connectTime is how long a server may take to answer; the URL may say another.
	connectTime = 10 * time.Second
	// idleTime is how long a change may do nothing before the server ends it: nobody
	// waits for a control plane that hangs or is cut off with the lock of all changes.
	idleTime = time.Minute
	// turnTime is how long a change waits for others.
	turnTime = 30 * time.Second
	// uniqueViolation is PostgreSQL's code for a row that is there already.
	uniqueViolation = "23505"
	// dataException and constraintViolation begin its codes of values that it does not
	// take, such as a text with a zero byte.
	dataException, constraintViolation = "22", "23"
)

// Engine opens databases whose names are URLs such as postgres://user:password@host:5432/name.
var Engine = dialect.Engine{Name: "PostgreSQL", Owns: owns, Open: open}

func owns(database string) bool {
	return strings.HasPrefix(database, "postgres://") || strings.HasPrefix(database, "postgresql://")
}

var postgres = dialect.Dialect{
	Migrations: "postgres",
	Lock:       "SELECT pg_advisory_xact_lock(" + strconv.FormatInt(changesLock, 10) + ")",
	Script:     []any{pgx.QueryExecModeSimpleProtocol},
	Duplicate: func(err error) bool {
		e, ok := errors.AsType[*pgconn.PgError](err)
		return ok && e.Code == uniqueViolation
	},
	Refused: func(err error) bool {
		e, ok := errors.AsType[*pgconn.PgError](err)
		return ok && (strings.HasPrefix(e.Code, dataException) || strings.HasPrefix(e.Code, constraintViolation))
	},
	Busy: func(error) bool { return false }, // migrations wait for the lock
}

func open(database string) (dialect.Database, error) {
	config, err := readURL(database)
	if err != nil {
		return dialect.Database{}, err
	}
	config.ConnectTimeout = cmp.Or(config.ConnectTimeout, connectTime)
	for name, limit := range map[string]time.Duration{"lock_timeout": turnTime, "idle_in_transaction_session_timeout": idleTime} {
		if _, set := config.RuntimeParams[name]; !set {
			config.RuntimeParams[name] = strconv.FormatInt(limit.Milliseconds(), 10)
		}
	}
	if _, set := config.RuntimeParams["application_name"]; !set {
		config.RuntimeParams["application_name"] = "fngend"
	}
	return dialect.Database{
		Dialect: postgres, Write: stdlib.OpenDB(*config), Read: stdlib.OpenDB(*config),
		Place: fmt.Sprintf("database %q at %s", config.Database, config.Host),
	}, nil
}

// readURL reads a URL. The parser's error has parts of it, and with them a password
// that it did not know for one; a character that a password must not have as it is
// makes the rest of the password a part that later errors would show.
func readURL(database string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(database)
	if err != nil || strings.Contains(database, "#") || strings.ContainsAny(config.Database, "@/:") {
		return nil, errors.New("the URL cannot be read; it has the form postgres://user:password@host:5432/name?sslmode=verify-full, " +
			"with %40, %2F, %23, %3A and %25 for @ / # : % in a password, and the files that it names must be there")
	}
	return config, nil
}
