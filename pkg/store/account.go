package store

import (
	"context"
	"database/sql"
	"strings"
	"time"
)

// Account is a customer.
type Account struct {
	ID        int64
	Email     string
	CreatedAt time.Time
}

// CreateAccount adds an account. Addresses differ by more than their case, else
// the error is ErrExists.
func (s *Store) CreateAccount(ctx context.Context, actor Actor, email string) (Account, error) {
	a := Account{Email: normalEmail(email), CreatedAt: s.now().UTC()}
	err := s.change(ctx, func(tx *sql.Tx) error {
		const q = `INSERT INTO accounts (email, created_at) VALUES ($1, $2) RETURNING id`
		if err := tx.QueryRowContext(ctx, q, a.Email, a.CreatedAt.UnixMicro()).Scan(&a.ID); err != nil {
			return s.taken(err, "account %q", a.Email)
		}
		return s.audit(ctx, tx, actor, "account.create", a.Email, detail{"id": a.ID})
	})
	if err != nil {
		return Account{}, err
	}
	return a, nil
}

// AccountByEmail finds an account, or the error is ErrNotFound.
func (s *Store) AccountByEmail(ctx context.Context, email string) (Account, error) {
	a := Account{Email: normalEmail(email)}
	var at int64
	const q = `SELECT id, created_at FROM accounts WHERE email = $1`
	if err := s.read.QueryRowContext(ctx, q, a.Email).Scan(&a.ID, &at); err != nil {
		return Account{}, missing(err, "account %q", a.Email)
	}
	a.CreatedAt = fromMicro(at)
	return a, nil
}

// Accounts returns all accounts, sorted by address.
func (s *Store) Accounts(ctx context.Context) ([]Account, error) {
	return collect(ctx, s.read, "accounts", func(row *sql.Rows) (Account, error) {
		var a Account
		var at int64
		err := row.Scan(&a.ID, &a.Email, &at)
		a.CreatedAt = fromMicro(at)
		return a, err
	}, `SELECT id, email, created_at FROM accounts ORDER BY email`)
}

func normalEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
