package store

import (
	"context"
	"database/sql"
)

// Summary is a project with what a list shows of it.
type Summary struct {
	Project
	// Live is the number of the live release and IR what it means; 0 and nothing
	// without one.
	Live int
	IR   []byte
	// Interrupted says that what runs may not be what is live, Tried that there ever
	// was a release.
	Interrupted, Tried bool
}

// Page says which projects of an account a list has.
type Page struct {
	AccountID int64
	// After is the name behind which the page begins, empty for the first; Only is the
	// one name that is listed, empty for all.
	After, Only string
	Limit       int
}

// Summaries returns a page of projects, sorted by name, by one statement.
func (s *Store) Summaries(ctx context.Context, p Page) ([]Summary, error) {
	const q = `SELECT p.id, p.account_id, p.name, p.created_at, COALESCE(r.number, 0), r.ir,
			EXISTS (SELECT 1 FROM releases x WHERE x.project_id = p.id AND x.state IN ('pending', 'interrupted') AND x.state = 'interrupted'),
			EXISTS (SELECT 1 FROM releases x WHERE x.project_id = p.id)
		FROM projects p LEFT JOIN releases r ON r.project_id = p.id AND r.state = 'live'
		WHERE p.account_id = $1 AND p.name > $2 AND ($3 = '' OR p.name = $3)
		ORDER BY p.name LIMIT $4`
	return collect(ctx, s.read, "projects", func(row *sql.Rows) (Summary, error) {
		var out Summary
		var at int64
		err := row.Scan(&out.ID, &out.AccountID, &out.Name, &at, &out.Live, &out.IR, &out.Interrupted, &out.Tried)
		out.CreatedAt = fromMicro(at)
		return out, err
	}, q, p.AccountID, p.After, p.Only, p.Limit)
}
