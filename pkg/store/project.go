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
			{`DELETE FROM releases WHERE project_id = $1`, &r.Releases},
			{`DELETE FROM relocations WHERE project_id = $1`, new(int)},
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
