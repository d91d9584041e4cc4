package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"time"
)

// Project is a name that an account owns. Its Unix user id is made of ID, so an
// ID is never given twice.
type Project struct {
	ID        int64
	AccountID int64
	Name      string
	CreatedAt time.Time
}

// Scope names the project's blobs. It is made of ID and not of Name: a name may
// come back for another project.
func (p Project) Scope() string { return strconv.FormatInt(p.ID, 10) }

// Removed counts what went with a project.
type Removed struct {
	Releases, Trees, Layers int
}

const projectColumns = `SELECT id, account_id, name, created_at FROM projects `

type scanner interface{ Scan(...any) error }

func scanProject(row scanner) (Project, error) {
	var p Project
	var at int64
	err := row.Scan(&p.ID, &p.AccountID, &p.Name, &at)
	p.CreatedAt = fromMicro(at)
	return p, err
}

// CreateProject adds a project to the actor's account. Names are unique on the
// platform, since they are hosts: the error for a taken one is ErrExists.
func (s *Store) CreateProject(ctx context.Context, actor Actor, name string) (Project, error) {
	p := Project{AccountID: actor.AccountID, Name: name, CreatedAt: s.now().UTC()}
	err := s.change(ctx, func(tx *sql.Tx) error {
		const q = `INSERT INTO projects (account_id, name, created_at) VALUES ($1, $2, $3) RETURNING id`
		if err := tx.QueryRowContext(ctx, q, p.AccountID, name, p.CreatedAt.UnixMicro()).Scan(&p.ID); err != nil {
			return s.taken(err, "project %q", name)
		}
		return s.audit(ctx, tx, actor, "project.create", name, detail{"id": p.ID})
	})
	if err != nil {
		return Project{}, err
	}
	return p, nil
}

// Project finds a project of one account. Another's is ErrNotFound, as is one
// that is not there.
func (s *Store) Project(ctx context.Context, accountID int64, name string) (Project, error) {
	row := s.read.QueryRowContext(ctx, projectColumns+`WHERE account_id = $1 AND name = $2`, accountID, name)
	p, err := scanProject(row)
	if err != nil {
		return Project{}, missing(err, "project %q", name)
	}
	return p, nil
}

// ProjectByName finds a project of any account: for callers that proved to be
// of the project by something else than an API key.
func (s *Store) ProjectByName(ctx context.Context, name string) (Project, error) {
	p, err := scanProject(s.read.QueryRowContext(ctx, projectColumns+`WHERE name = $1`, name))
	if err != nil {
		return Project{}, missing(err, "project %q", name)
	}
	return p, nil
}

// Projects returns the projects of an account, sorted by name.
func (s *Store) Projects(ctx context.Context, accountID int64) ([]Project, error) {
	return collect(ctx, s.read, "projects", func(row *sql.Rows) (Project, error) { return scanProject(row) },
		projectColumns+`WHERE account_id = $1 ORDER BY name`, accountID)
}

// AllProjects returns every project, sorted by name.
func (s *Store) AllProjects(ctx context.Context) ([]Project, error) {
	return collect(ctx, s.read, "projects", func(row *sql.Rows) (Project, error) { return scanProject(row) },
		projectColumns+`ORDER BY name`)
}

// DeleteProject removes a project with all its rows.
func (s *Store) DeleteProject(ctx context.Context, actor Actor, id int64) (Removed, error) {
	var r Removed
	err := s.change(ctx, func(tx *sql.Tx) error {
		p, err := scanProject(tx.QueryRowContext(ctx, projectColumns+`WHERE id = $1`, id))
		if err != nil {
			return missing(err, "project %d", id)
		}
		for _, step := range []struct {
			query string
			count *int
		}{
			{`DELETE FROM task_claims WHERE id IN (SELECT id FROM tasks WHERE project_id = $1)`, new(int)},
			{`DELETE FROM task_keys WHERE project_id = $1`, new(int)},
			{`DELETE FROM tasks WHERE project_id = $1`, new(int)},
			{`DELETE FROM broker_logins WHERE project_id = $1`, new(int)},
			{`DELETE FROM release_events WHERE project_id = $1`, new(int)},
			{`DELETE FROM releases WHERE project_id = $1`, &r.Releases},
			{`DELETE FROM relocations WHERE project_id = $1`, new(int)},
			{`DELETE FROM incidents WHERE project_id = $1`, new(int)},
			{`DELETE FROM variables WHERE project_id = $1`, new(int)},
			{`DELETE FROM layers WHERE project_id = $1`, &r.Layers},
			{`DELETE FROM trees WHERE project_id = $1`, &r.Trees},
			{`DELETE FROM projects WHERE id = $1`, new(int)},
		} {
			if *step.count, err = execCount(ctx, tx, step.query, id); err != nil {
				return fmt.Errorf("delete project %q: %w", p.Name, err)
			}
		}
		if err := s.revokeKeysOf(ctx, tx, id); err != nil {
			return err
		}
		return s.audit(ctx, tx, actor, "project.delete", p.Name, detail{"id": id, "releases": r.Releases, "trees": r.Trees, "layers": r.Layers})
	})
	if err != nil {
		return Removed{}, err
	}
	return r, nil
}

func execCount(ctx context.Context, tx *sql.Tx, query string, args ...any) (int, error) {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

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
