package store

import (
	"database/sql"
	"errors"
	"fmt"
)

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
	if s.duplicate(err) {
		return fmt.Errorf("%s %w", subject, ErrExists)
	}
	return fmt.Errorf("add %s: %w", subject, err)
}
