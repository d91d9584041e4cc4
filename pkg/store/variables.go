package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Variables is one version of a project's variables, without their values. Vault
// numbers the versions.
type Variables struct {
	Version int
	// Mark is in the version in Vault too: who has written it knows it.
	Mark string
	// Names are sorted.
	Names     []Variable
	By        string
	CreatedAt time.Time
}

// Variable is a name, and when and by whom its value was set.
type Variable struct {
	Name string `json:"name"`
	// Version is the one in which it got its value.
	Version int       `json:"version"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	// Bytes is about what the value takes, rounded up: for the limit of all together.
	Bytes int `json:"bytes"`
}

// SaveVariables keeps what a version is going to be, before it is written to Vault. One
// of the same number, which was never written, is replaced.
func (s *Store) SaveVariables(ctx context.Context, actor Actor, projectID int64, v Variables) error {
	names, err := json.Marshal(v.Names)
	if err != nil {
		return fmt.Errorf("encode names of variables: %w", err)
	}
	return s.change(ctx, func(tx *sql.Tx) error {
		const q = `INSERT INTO variables (project_id, version, mark, names, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (project_id, version) DO UPDATE SET mark = excluded.mark, names = excluded.names, created_by = excluded.created_by, created_at = excluded.created_at`
		if _, err := tx.ExecContext(ctx, q, projectID, v.Version, v.Mark, names, v.By, v.CreatedAt.UnixMicro()); err != nil {
			return fmt.Errorf("save version %d of variables: %w", v.Version, err)
		}
		var changed []string
		for _, n := range v.Names {
			if n.Version == v.Version {
				changed = append(changed, n.Name)
			}
		}
		return s.audit(ctx, tx, actor, "variables.set", releaseName(projectID, v.Version), detail{"set": changed, "names": len(v.Names)})
	})
}

// Variables returns what is known of a version, or ErrNotFound.
func (s *Store) Variables(ctx context.Context, projectID int64, version int) (Variables, error) {
	out := Variables{Version: version}
	var names []byte
	var at int64
	row := s.read.QueryRowContext(ctx, `SELECT mark, names, created_by, created_at FROM variables WHERE project_id = $1 AND version = $2`, projectID, version)
	if err := row.Scan(&out.Mark, &names, &out.By, &at); err != nil {
		return out, missing(err, "version %d of the variables", version)
	}
	out.CreatedAt = fromMicro(at)
	if err := json.Unmarshal(names, &out.Names); err != nil {
		return out, fmt.Errorf("decode names of variables: %w", err)
	}
	return out, nil
}

// CurrentVariables is the version that the next push takes, 0 for none. A release that
// becomes live sets it to its own.
func (s *Store) CurrentVariables(ctx context.Context, projectID int64) (int, error) {
	var version int
	err := s.read.QueryRowContext(ctx, `SELECT variables FROM projects WHERE id = $1`, projectID).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil // destroyed meanwhile, which others say
	}
	if err != nil {
		return 0, fmt.Errorf("read version of variables: %w", err)
	}
	return version, nil
}

// SetCurrentVariables has the next push take a version.
func (s *Store) SetCurrentVariables(ctx context.Context, actor Actor, projectID int64, version int) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE projects SET variables = $1 WHERE id = $2`, version, projectID); err != nil {
			return fmt.Errorf("set version of variables: %w", err)
		}
		return s.audit(ctx, tx, actor, "variables.take", releaseName(projectID, version), nil)
	})
}

// takeVariables has a project go on from the variables of the release that becomes
// live.
func takeVariables(ctx context.Context, tx *sql.Tx, projectID int64, number int) error {
	const q = `UPDATE projects SET variables = (SELECT env_version FROM releases WHERE project_id = $1 AND number = $2) WHERE id = $1`
	if _, err := tx.ExecContext(ctx, q, projectID, number); err != nil {
		return fmt.Errorf("take the variables of release %d: %w", number, err)
	}
	return nil
}
