package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"fngen.dev/fngen/pkg/api"
)

// Actor is who makes a change.
type Actor struct {
	AccountID int64
	// KeyID is 0 for the operator's command line and for the platform itself.
	KeyID     int64
	Email     string
	RequestID string
	// Scope is what the key may do. Project is the one project of a deploy key,
	// empty for a key of the account.
	Scope   api.Scope
	Project string
}

// AuditEntry is one change.
type AuditEntry struct {
	At        time.Time
	AccountID int64
	KeyID     int64
	// Action is "<noun>.<verb>", such as "project.create"; Object names the row.
	Action, Object string
	// Detail is a JSON object.
	Detail    string
	RequestID string
}

// Audit returns the newest entries, newest first, limit at most.
func (s *Store) Audit(ctx context.Context, limit int) ([]AuditEntry, error) {
	const q = `SELECT at, account_id, key_id, action, object, detail, request_id FROM audit ORDER BY id DESC LIMIT $1`
	return collect(ctx, s.read, "audit", func(row *sql.Rows) (AuditEntry, error) {
		var e AuditEntry
		var at int64
		err := row.Scan(&at, &e.AccountID, &e.KeyID, &e.Action, &e.Object, &e.Detail, &e.RequestID)
		e.At = fromMicro(at)
		return e, err
	}, q, limit)
}

// detail is what an audit row says beyond its action and object. Never a secret.
type detail map[string]any

func (s *Store) audit(ctx context.Context, tx *sql.Tx, actor Actor, action, object string, d detail) error {
	if d == nil {
		d = detail{}
	}
	// Maps marshal with sorted keys.
	text, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("encode audit of %s: %w", action, err)
	}
	const q = `INSERT INTO audit (at, account_id, key_id, action, object, detail, request_id) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	if _, err := tx.ExecContext(ctx, q, s.now().UnixMicro(), actor.AccountID, actor.KeyID, action, plain(object), string(text), plain(actor.RequestID)); err != nil {
		return fmt.Errorf("write audit of %s: %w", action, err)
	}
	return nil
}

// plain is a text that every database takes: valid UTF-8 without the character NUL.
func plain(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}

func fromMicro(us int64) time.Time { return time.UnixMicro(us).UTC() }

// querier is a database, or a transaction in it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// collect reads every row of a query.
func collect[T any](ctx context.Context, db querier, what string, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", what, err)
	}
	// Err below reports what Close would.
	defer func() { _ = rows.Close() }()
	out := []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", what, err)
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list %s: %w", what, err)
	}
	return out, nil
}
