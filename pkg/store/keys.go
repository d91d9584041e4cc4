package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"fngen.dev/fngen/pkg/api"
)

// touchEvery is how old "last used" may be.
const touchEvery = time.Minute

// Key is an API key without its secret.
type Key struct {
	ID        int64
	AccountID int64
	Label     string
	// Hint is the key's first characters.
	Hint      string
	CreatedAt time.Time
	// LastUsed and RevokedAt are zero when it never was.
	LastUsed  time.Time
	RevokedAt time.Time
}

// CreateKey makes a key for an account. The secret is returned this once.
func (s *Store) CreateKey(ctx context.Context, actor Actor, accountID int64, label string) (Key, Secret, error) {
	secret := newKey()
	k := Key{AccountID: accountID, Label: label, Hint: hint(secret), CreatedAt: s.now().UTC()}
	err := s.change(ctx, func(tx *sql.Tx) error {
		const q = `INSERT INTO api_keys (account_id, label, hint, sha256, created_at) VALUES ($1, $2, $3, $4, $5) RETURNING id`
		row := tx.QueryRowContext(ctx, q, accountID, label, k.Hint, hashKey(secret.value), k.CreatedAt.UnixMicro())
		if err := row.Scan(&k.ID); err != nil {
			return fmt.Errorf("add API key: %w", err)
		}
		return s.audit(ctx, tx, actor, "key.create", strconv.FormatInt(k.ID, 10), detail{"account": accountID, "label": label, "hint": k.Hint})
	})
	if err != nil {
		return Key{}, Secret{}, err
	}
	return k, secret, nil
}

// Keys returns the keys of an account, oldest first, revoked ones too.
func (s *Store) Keys(ctx context.Context, accountID int64) ([]Key, error) {
	const q = `SELECT id, account_id, label, hint, created_at, last_used, revoked_at FROM api_keys WHERE account_id = $1 ORDER BY id`
	return collect(ctx, s.read, "API keys", func(row *sql.Rows) (Key, error) {
		var k Key
		var created int64
		var used, revoked sql.NullInt64
		err := row.Scan(&k.ID, &k.AccountID, &k.Label, &k.Hint, &created, &used, &revoked)
		k.CreatedAt = fromMicro(created)
		if used.Valid {
			k.LastUsed = fromMicro(used.Int64)
		}
		if revoked.Valid {
			k.RevokedAt = fromMicro(revoked.Int64)
		}
		return k, err
	}, q, accountID)
}

// RevokeKey ends a key at once. Revoking it again changes nothing.
func (s *Store) RevokeKey(ctx context.Context, actor Actor, keyID int64) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		var account int64
		var revoked sql.NullInt64
		row := tx.QueryRowContext(ctx, `SELECT account_id, revoked_at FROM api_keys WHERE id = $1`, keyID)
		if err := row.Scan(&account, &revoked); err != nil {
			return missing(err, "API key %d", keyID)
		}
		if revoked.Valid {
			return nil
		}
		if _, err := tx.ExecContext(ctx, `UPDATE api_keys SET revoked_at = $1 WHERE id = $2`, s.now().UnixMicro(), keyID); err != nil {
			return fmt.Errorf("revoke API key %d: %w", keyID, err)
		}
		return s.audit(ctx, tx, actor, "key.revoke", strconv.FormatInt(keyID, 10), detail{"account": account})
	})
}

// Authenticate finds whose key it is. Every refusal is ErrUnauthenticated, and
// its text says no more than the person can use.
func (s *Store) Authenticate(ctx context.Context, key string) (Actor, error) {
	if err := api.ParseKey(key); err != nil {
		return Actor{}, fmt.Errorf("%w: %w", ErrUnauthenticated, err)
	}
	const q = `SELECT k.id, k.account_id, k.last_used, k.revoked_at, a.email
		FROM api_keys k JOIN accounts a ON a.id = k.account_id WHERE k.sha256 = $1`
	var actor Actor
	var used, revoked sql.NullInt64
	err := s.read.QueryRowContext(ctx, q, hashKey(key)).Scan(&actor.KeyID, &actor.AccountID, &used, &revoked, &actor.Email)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Actor{}, fmt.Errorf("%w: the API key is not known", ErrUnauthenticated)
	case err != nil:
		return Actor{}, fmt.Errorf("look up API key: %w", err)
	case revoked.Valid:
		return Actor{}, fmt.Errorf("%w: the API key was revoked", ErrUnauthenticated)
	}
	if now := s.now(); now.Sub(fromMicro(used.Int64)) >= touchEvery {
		s.touch(ctx, actor.KeyID, now)
	}
	return actor, nil
}

// touch is for the person who looks at their keys: a request does not fail
// because it could not be noted.
func (s *Store) touch(ctx context.Context, keyID int64, now time.Time) {
	_, _ = s.write.ExecContext(ctx, `UPDATE api_keys SET last_used = $1 WHERE id = $2`, now.UnixMicro(), keyID)
}
