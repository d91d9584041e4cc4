package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Layer is what a job has made of a tree, a virtual environment or collected
// static files: the blob that holds it, under the key of what went into it.
type Layer struct {
	Key    string
	SHA256 string
	Size   int64
	// Sources are the commits that it was built from, as JSON; empty for none.
	Sources string
	// CreatedAt is when it was saved; SaveLayer sets it.
	CreatedAt time.Time
}

// SaveLayer keeps the result of a project's build. A build that runs again
// replaces it: two builds of one key are equal in meaning, not in bytes.
func (s *Store) SaveLayer(ctx context.Context, projectID int64, l Layer) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		const q = `INSERT INTO layers (project_id, key, sha256, size, created_at, used_at, sources) VALUES ($1, $2, $3, $4, $5, $5, $6)
			ON CONFLICT (project_id, key) DO UPDATE SET sha256 = excluded.sha256, size = excluded.size,
				created_at = excluded.created_at, used_at = excluded.used_at, sources = excluded.sources`
		if _, err := tx.ExecContext(ctx, q, projectID, l.Key, l.SHA256, l.Size, s.now().UnixMicro(), l.Sources); err != nil {
			return fmt.Errorf("save layer %s: %w", l.Key, err)
		}
		// The platform's own build job is the actor.
		return s.audit(ctx, tx, Actor{}, "layer.create", l.Key, detail{"project": projectID, "sha256": l.SHA256, "bytes": l.Size})
	})
}

// Layer finds a layer of a project, or the error is ErrNotFound. It is used by that:
// Sweep removes none that was used within a day.
func (s *Store) Layer(ctx context.Context, projectID int64, key string) (Layer, error) {
	l := Layer{Key: key}
	const q = `SELECT sha256, size, created_at, used_at, sources FROM layers WHERE project_id = $1 AND key = $2`
	var created, used int64
	if err := s.read.QueryRowContext(ctx, q, projectID, key).Scan(&l.SHA256, &l.Size, &created, &used, &l.Sources); err != nil {
		return Layer{}, missing(err, "layer %s", key)
	}
	l.CreatedAt = fromMicro(created)
	return l, s.useLayer(ctx, projectID, key, fromMicro(used))
}

// useLayer notes that a layer is used, unless that was noted just now. It may have been
// swept meanwhile.
func (s *Store) useLayer(ctx context.Context, projectID int64, key string, last time.Time) error {
	if s.now().Sub(last) < useAge {
		return nil
	}
	n := 0
	err := s.change(ctx, func(tx *sql.Tx) (err error) {
		n, err = execCount(ctx, tx, `UPDATE layers SET used_at = $1 WHERE project_id = $2 AND key = $3`, s.now().UnixMicro(), projectID, key)
		return err
	})
	if err == nil && n == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return missing(err, "layer %s", key)
	}
	return nil
}

// LayersLike lists the keys of a project's layers that begin with prefix, the
// newest first.
func (s *Store) LayersLike(ctx context.Context, projectID int64, prefix string) ([]string, error) {
	const q = `SELECT key FROM layers WHERE project_id = $1 AND substr(key, 1, length($2)) = $2 ORDER BY created_at DESC, key DESC`
	rows, err := s.read.QueryContext(ctx, q, projectID, prefix)
	if err != nil {
		return nil, fmt.Errorf("list layers %s: %w", prefix, err)
	}
	defer rows.Close()
	var keys []string
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, fmt.Errorf("list layers %s: %w", prefix, err)
		}
		keys = append(keys, key)
	}
	return keys, rows.Err()
}
