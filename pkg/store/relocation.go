package store

import (
	"context"
	"database/sql"
	"fmt"
)

// Relocation is a job of a project that is being moved off a server.
type Relocation struct {
	ProjectID int64
	Job       string
	// Node is the name of the server that it leaves.
	Node string
}

// BeginRelocation keeps that a relocation is under way. One that has begun is
// begun again.
func (s *Store) BeginRelocation(ctx context.Context, actor Actor, r Relocation) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		const q = `INSERT INTO relocations (project_id, job, node, created_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (project_id, job) DO UPDATE SET node = excluded.node, created_at = excluded.created_at`
		if _, err := tx.ExecContext(ctx, q, r.ProjectID, r.Job, r.Node, s.now().UnixMicro()); err != nil {
			return fmt.Errorf("begin relocation of job %q: %w", r.Job, err)
		}
		return s.audit(ctx, tx, actor, "job.relocate", r.Job, detail{"project": r.ProjectID, "node": r.Node})
	})
}

// EndRelocation forgets a relocation: the job is what its live release says.
func (s *Store) EndRelocation(ctx context.Context, r Relocation) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM relocations WHERE project_id = $1 AND job = $2`, r.ProjectID, r.Job); err != nil {
			return fmt.Errorf("end relocation of job %q: %w", r.Job, err)
		}
		return nil
	})
}

// Relocations returns those under way in any project, oldest first: when the
// control plane starts, these are those that its end interrupted.
func (s *Store) Relocations(ctx context.Context) ([]Relocation, error) {
	return collect(ctx, s.read, "relocations", func(row *sql.Rows) (Relocation, error) {
		var r Relocation
		err := row.Scan(&r.ProjectID, &r.Job, &r.Node)
		return r, err
	}, `SELECT project_id, job, node FROM relocations ORDER BY created_at, project_id, job`)
}
