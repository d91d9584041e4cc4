package store

import (
	"context"
	"database/sql"
	"fmt"
)

// Incident is something that happened to an instance and is told in its project's log.
type Incident struct {
	ProjectID  int64
	Allocation string
	// Kind is what happened.
	Kind string
	// At is when, in nanoseconds; 0 for what lasts until EndIncident.
	At int64
}

// BeginIncident keeps that an incident is told, and reports whether it was not: of
// several control planes one gets to tell it. Of one kind the later events come after
// the earlier ones.
func (s *Store) BeginIncident(ctx context.Context, i Incident) (began bool, err error) {
	err = s.change(ctx, func(tx *sql.Tx) error {
		const q = `INSERT INTO incidents (allocation, kind, project_id, told_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (allocation, kind) DO UPDATE SET told_at = excluded.told_at WHERE incidents.told_at < excluded.told_at`
		n, err := execCount(ctx, tx, q, i.Allocation, i.Kind, i.ProjectID, i.At)
		if began = n > 0; err != nil {
			return fmt.Errorf("keep incident of %s: %w", i.Allocation, err)
		}
		return nil
	})
	return began && err == nil, err
}

// EndIncident forgets one, and reports whether it was known.
func (s *Store) EndIncident(ctx context.Context, i Incident) (ended bool, err error) {
	err = s.change(ctx, func(tx *sql.Tx) error {
		n, err := execCount(ctx, tx, `DELETE FROM incidents WHERE allocation = $1 AND kind = $2`, i.Allocation, i.Kind)
		if ended = n > 0; err != nil {
			return fmt.Errorf("forget incident of %s: %w", i.Allocation, err)
		}
		return nil
	})
	return ended && err == nil, err
}

// Incidents are all that are kept, by allocation and kind.
func (s *Store) Incidents(ctx context.Context) ([]Incident, error) {
	return collect(ctx, s.read, "incidents", func(row *sql.Rows) (Incident, error) {
		var i Incident
		err := row.Scan(&i.ProjectID, &i.Allocation, &i.Kind, &i.At)
		return i, err
	}, `SELECT project_id, allocation, kind, told_at FROM incidents ORDER BY allocation, kind`)
}
