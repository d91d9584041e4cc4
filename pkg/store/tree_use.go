package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"fngen.dev/fngen/compiler/source"
)

// useAge is how old the note of a use may be before it is written anew: most uses
// need no write.
const useAge = time.Hour

// UseTree reports whether a project has a tree, and keeps it: Sweep removes none that
// was used within a day.
func (s *Store) UseTree(ctx context.Context, projectID int64, digest string) (bool, error) {
	var used int64
	const q = `SELECT used_at FROM trees WHERE project_id = $1 AND digest = $2`
	err := s.read.QueryRowContext(ctx, q, projectID, digest).Scan(&used)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up tree %s: %w", digest, err)
	}
	if s.now().Sub(fromMicro(used)) < useAge {
		return true, nil
	}
	n := 0
	err = s.change(ctx, func(tx *sql.Tx) error {
		const q = `UPDATE trees SET used_at = $1 WHERE project_id = $2 AND digest = $3`
		n, err = execCount(ctx, tx, q, s.now().UnixMicro(), projectID, digest)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("note use of tree %s: %w", digest, err)
	}
	return n > 0, nil // it may have been swept meanwhile
}

// EachContent names every content that a project refers to, by its trees and layers;
// one may be named more than once.
func (s *Store) EachContent(ctx context.Context, projectID int64, name func(sha256 string)) error {
	layers, err := collect(ctx, s.read, "layers", oneText, `SELECT sha256 FROM layers WHERE project_id = $1`, projectID)
	if err != nil {
		return err
	}
	for _, sha256 := range layers {
		name(sha256)
	}
	trees, err := collect(ctx, s.read, "trees", oneText, `SELECT digest FROM trees WHERE project_id = $1`, projectID)
	if err != nil {
		return err
	}
	for _, digest := range trees {
		m, err := s.Tree(ctx, projectID, digest)
		if err != nil && !errors.Is(err, ErrNotFound) { // it was damaged, or is gone
			return err
		}
		nameFiles(m, name)
	}
	return nil
}

func nameFiles(m source.Manifest, name func(string)) {
	for _, f := range m.Files {
		name(f.SHA256)
	}
}

// TreeBytes is what the manifests of a project's trees take in the database.
func (s *Store) TreeBytes(ctx context.Context, projectID int64) (int64, error) {
	var n int64
	const q = `SELECT COALESCE(SUM(length(manifest)), 0) FROM trees WHERE project_id = $1`
	if err := s.read.QueryRowContext(ctx, q, projectID).Scan(&n); err != nil {
		return 0, fmt.Errorf("measure trees: %w", err)
	}
	return n, nil
}
