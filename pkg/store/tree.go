package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/delta"
)

// SaveTree keeps a manifest under its digest. Saving it again changes nothing.
func (s *Store) SaveTree(ctx context.Context, actor Actor, projectID int64, m source.Manifest) error {
	digest := m.Digest()
	packed, err := packManifest(m)
	if err != nil {
		return fmt.Errorf("pack tree %s: %w", digest, err)
	}
	return s.change(ctx, func(tx *sql.Tx) error {
		const q = `INSERT INTO trees (project_id, digest, manifest, created_at, used_at) VALUES ($1, $2, $3, $4, $4) ON CONFLICT DO NOTHING`
		n, err := execCount(ctx, tx, q, projectID, digest, packed, s.now().UnixMicro())
		if err != nil {
			return fmt.Errorf("save tree %s: %w", digest, err)
		}
		if n == 0 {
			return nil
		}
		return s.audit(ctx, tx, actor, "tree.create", digest, detail{"project": projectID, "files": len(m.Files), "bytes": m.Size()})
	})
}

// Tree returns the manifest of a project's tree, or ErrNotFound. One that is damaged
// is forgotten: it is not there any more, and can be saved again.
func (s *Store) Tree(ctx context.Context, projectID int64, digest string) (source.Manifest, error) {
	const q = `SELECT digest, manifest FROM trees WHERE project_id = $1 AND digest = $2`
	t, err := readTree(s.read.QueryRowContext(ctx, q, projectID, digest), digest)
	if err == nil && t.damage != nil {
		err = s.forgetTree(ctx, projectID, t)
	}
	return t.manifest, err
}

// LatestTree returns the manifest that a project was last given, or ErrNotFound.
func (s *Store) LatestTree(ctx context.Context, projectID int64) (source.Manifest, error) {
	const q = `SELECT digest, manifest FROM trees WHERE project_id = $1 ORDER BY created_at DESC, digest LIMIT 1`
	for {
		t, err := readTree(s.read.QueryRowContext(ctx, q, projectID), "last given")
		if err != nil || t.damage == nil {
			return t.manifest, err
		}
		if err := s.forgetTree(ctx, projectID, t); !errors.Is(err, ErrNotFound) {
			return source.Manifest{}, err
		}
	}
}

// forgetTree removes a tree whose manifest is damaged. It returns that there is no
// such tree.
func (s *Store) forgetTree(ctx context.Context, projectID int64, t treeRow) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		if _, err := execCount(ctx, tx, `DELETE FROM trees WHERE project_id = $1 AND digest = $2`, projectID, t.digest); err != nil {
			return fmt.Errorf("forget tree %s: %w", t.digest, err)
		}
		return s.audit(ctx, tx, Actor{}, "tree.damaged", t.digest, detail{"project": projectID, "error": t.damage.Error()})
	})
	if err != nil {
		return err
	}
	return fmt.Errorf("tree %s, whose manifest was damaged (%w): %w", t.digest, t.damage, ErrNotFound)
}

// treeRow is a manifest as it was read, and what is wrong with it.
type treeRow struct {
	digest   string
	manifest source.Manifest
	damage   error
}

func readTree(row scanner, name string) (treeRow, error) {
	var t treeRow
	var packed []byte
	if err := row.Scan(&t.digest, &packed); err != nil {
		return t, missing(err, "tree %s", name)
	}
	if t.manifest, t.damage = unpackManifest(packed); t.damage == nil && t.manifest.Digest() != t.digest {
		t.damage = errors.New("it is another manifest")
	}
	if t.damage != nil {
		t.manifest = source.Manifest{}
	}
	return t, nil
}

// packManifest writes the delta from the empty manifest, compressed.
func packManifest(m source.Manifest) ([]byte, error) {
	text, err := delta.Encode(source.Manifest{}, m)
	if err != nil {
		return nil, err
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	return z.EncodeAll(text, nil), z.Close()
}

func unpackManifest(packed []byte) (source.Manifest, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(2*delta.MaxBytes))
	if err != nil {
		return source.Manifest{}, err
	}
	defer z.Close()
	text, err := z.DecodeAll(packed, nil)
	if err != nil {
		return source.Manifest{}, err
	}
	return delta.Apply(source.Manifest{}, text)
}

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
