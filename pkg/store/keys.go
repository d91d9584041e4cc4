package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
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
	Scope     api.Scope
	// ProjectID and Project are of a deploy key; Project is empty when the project
	// is no more, and the key revoked.
	ProjectID int64
	Project   string
	// Hint is the key's first characters.
	Hint      string
	CreatedAt time.Time
	// ExpiresAt, LastUsed and RevokedAt are zero when there is none.
	ExpiresAt time.Time
	LastUsed  time.Time
	RevokedAt time.Time
}

// CreateKey makes a key for all of an account. The secret is returned this once.
func (s *Store) CreateKey(ctx context.Context, actor Actor, accountID int64, label string) (Key, Secret, error) {
	return s.addKey(ctx, actor, Key{AccountID: accountID, Label: label, Scope: api.ScopeAccount})
}

// CreateDeployKey makes a key that does what scope says in one project until it
// expires. The secret is returned this once.
func (s *Store) CreateDeployKey(ctx context.Context, actor Actor, p Project, scope api.Scope, life time.Duration, label string) (Key, Secret, error) {
	if !scope.OfProject() || life <= 0 {
		return Key{}, Secret{}, fmt.Errorf("add API key: scope %q for %s is not one of a project", scope, life)
	}
	return s.addKey(ctx, actor, Key{
		AccountID: p.AccountID, Label: label, Scope: scope, ProjectID: p.ID, Project: p.Name, ExpiresAt: s.now().Add(life).UTC(),
	})
}

func (s *Store) addKey(ctx context.Context, actor Actor, k Key) (Key, Secret, error) {
	secret := newKey()
	k.Label = plain(k.Label)
	k.Hint, k.CreatedAt = hint(secret), s.now().UTC()
	project := sql.NullInt64{Int64: k.ProjectID, Valid: k.ProjectID != 0}
	expires := sql.NullInt64{Int64: k.ExpiresAt.UnixMicro(), Valid: !k.ExpiresAt.IsZero()}
	d := detail{"account": k.AccountID, "label": k.Label, "hint": k.Hint}
	err := s.change(ctx, func(tx *sql.Tx) error {
		if project.Valid {
			// The project may have gone since it was looked up, and its keys with it.
			if err := tx.QueryRowContext(ctx, `SELECT name FROM projects WHERE id = $1`, k.ProjectID).Scan(&k.Project); err != nil {
				return missing(err, "project %q", k.Project)
			}
			d["scope"], d["project"], d["expires"] = k.Scope, k.Project, k.ExpiresAt.Format(time.RFC3339)
		}
		const q = `INSERT INTO api_keys (account_id, label, hint, sha256, created_at, scope, project_id, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`
		row := tx.QueryRowContext(ctx, q, k.AccountID, k.Label, k.Hint, hashKey(secret.value), k.CreatedAt.UnixMicro(), string(k.Scope), project, expires)
		if err := row.Scan(&k.ID); err != nil {
			return fmt.Errorf("add API key: %w", err)
		}
		return s.audit(ctx, tx, actor, "key.create", strconv.FormatInt(k.ID, 10), d)
	})
	if err != nil {
		return Key{}, Secret{}, err
	}
	return k, secret, nil
}

// Keys returns the keys of an account, oldest first, revoked ones too.
func (s *Store) Keys(ctx context.Context, accountID int64) ([]Key, error) {
	const q = `SELECT k.id, k.account_id, k.label, k.scope, COALESCE(k.project_id, 0), COALESCE(p.name, ''), k.hint,
			k.created_at, k.expires_at, k.last_used, k.revoked_at
		FROM api_keys k LEFT JOIN projects p ON p.id = k.project_id WHERE k.account_id = $1 ORDER BY k.id`
	return collect(ctx, s.read, "API keys", func(row *sql.Rows) (Key, error) {
		var k Key
		var created int64
		var expires, used, revoked sql.NullInt64
		err := row.Scan(&k.ID, &k.AccountID, &k.Label, &k.Scope, &k.ProjectID, &k.Project, &k.Hint, &created, &expires, &used, &revoked)
		k.CreatedAt = fromMicro(created)
		k.ExpiresAt, k.LastUsed, k.RevokedAt = orZero(expires), orZero(used), orZero(revoked)
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

// revokeKeysOf ends the keys of a project that is being deleted.
func (s *Store) revokeKeysOf(ctx context.Context, tx *sql.Tx, projectID int64) error {
	const q = `UPDATE api_keys SET revoked_at = $1 WHERE project_id = $2 AND revoked_at IS NULL`
	if _, err := tx.ExecContext(ctx, q, s.now().UnixMicro(), projectID); err != nil {
		return fmt.Errorf("revoke API keys of project %d: %w", projectID, err)
	}
	return nil
}

// Authenticate finds whose key it is. Every refusal is ErrUnauthenticated, and
// its text says no more than the person can use.
func (s *Store) Authenticate(ctx context.Context, key string) (Actor, error) {
	if err := api.ParseKey(key); err != nil {
		return Actor{}, fmt.Errorf("%w: %w", ErrUnauthenticated, err)
	}
	const q = `SELECT k.id, k.account_id, k.scope, COALESCE(p.name, ''), k.expires_at, k.last_used, k.revoked_at, a.email
		FROM api_keys k JOIN accounts a ON a.id = k.account_id LEFT JOIN projects p ON p.id = k.project_id WHERE k.sha256 = $1`
	var actor Actor
	var expires, used, revoked sql.NullInt64
	now := s.now()
	err := s.read.QueryRowContext(ctx, q, hashKey(key)).
		Scan(&actor.KeyID, &actor.AccountID, &actor.Scope, &actor.Project, &expires, &used, &revoked, &actor.Email)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Actor{}, fmt.Errorf("%w: the API key is not known", ErrUnauthenticated)
	case err != nil:
		return Actor{}, fmt.Errorf("look up API key: %w", err)
	case revoked.Valid:
		return Actor{}, fmt.Errorf("%w: the API key was revoked", ErrUnauthenticated)
	case expires.Valid && now.UnixMicro() >= expires.Int64:
		return Actor{}, fmt.Errorf("%w: the API key expired on %s", ErrUnauthenticated, fromMicro(expires.Int64).Format(time.DateOnly))
	case actor.Scope.OfProject() && actor.Project == "":
		return Actor{}, fmt.Errorf("%w: the project of the API key does not exist", ErrUnauthenticated)
	}
	if now.Sub(fromMicro(used.Int64)) >= touchEvery {
		s.touch(ctx, actor.KeyID, now)
	}
	return actor, nil
}

// touch is for the person who looks at their keys: a request does not fail
// because it could not be noted.
func (s *Store) touch(ctx context.Context, keyID int64, now time.Time) {
	_, _ = s.write.ExecContext(ctx, `UPDATE api_keys SET last_used = $1 WHERE id = $2`, now.UnixMicro(), keyID)
}

// orZero is a time, zero when there is none.
func orZero(us sql.NullInt64) time.Time {
	if !us.Valid {
		return time.Time{}
	}
	return fromMicro(us.Int64)
}

// hintWidth is how many of a key's 27 random characters are shown.
const hintWidth = 4

// newKey makes a key of fresh random bits.
func newKey() Secret {
	var b [api.KeyBytes]byte
	// crypto/rand.Read never fails: it ends the program instead.
	_, _ = rand.Read(b[:])
	return Secret{api.FormatKey(b)}
}

// hashKey is what is stored. The key has too many random bits to be guessed, so
// a slow hash would protect nothing.
func hashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

func hint(key Secret) string {
	return fmt.Sprintf("%s%s...", api.KeyPrefix, key.value[len(api.KeyPrefix):len(api.KeyPrefix)+hintWidth])
}
