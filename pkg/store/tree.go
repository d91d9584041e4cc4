package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/compiler/source"
)

// SaveTree keeps a manifest under its digest. Saving it again changes nothing.
func (s *Store) SaveTree(ctx context.Context, actor Actor, projectID int64, m source.Manifest) error {
	digest := m.Digest()
	packed, err := packManifest(m)
	if err != nil {
		return fmt.Errorf("pack tree %s: %w", digest, err)
	}
	return s.change(ctx, func(tx *sql.Tx) error {
		const q = `INSERT INTO trees (project_id, digest, manifest, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`
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

// HasTree reports whether a project has a tree, without reading its manifest.
func (s *Store) HasTree(ctx context.Context, projectID int64, digest string) (bool, error) {
	var n int
	const q = `SELECT COUNT(*) FROM trees WHERE project_id = $1 AND digest = $2`
	if err := s.read.QueryRowContext(ctx, q, projectID, digest).Scan(&n); err != nil {
		return false, fmt.Errorf("look up tree %s: %w", digest, err)
	}
	return n > 0, nil
}

// Tree returns the manifest of a project's tree, or ErrNotFound.
func (s *Store) Tree(ctx context.Context, projectID int64, digest string) (source.Manifest, error) {
	var packed []byte
	const q = `SELECT manifest FROM trees WHERE project_id = $1 AND digest = $2`
	if err := s.read.QueryRowContext(ctx, q, projectID, digest).Scan(&packed); err != nil {
		return source.Manifest{}, missing(err, "tree %s", digest)
	}
	m, err := unpackManifest(packed)
	if err != nil {
		return source.Manifest{}, fmt.Errorf("unpack tree %s: %w", digest, err)
	}
	return m, nil
}

func packManifest(m source.Manifest) ([]byte, error) {
	var buf bytes.Buffer
	w, err := zstd.NewWriter(&buf, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	if err := json.NewEncoder(w).Encode(m); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func unpackManifest(packed []byte) (source.Manifest, error) {
	var m source.Manifest
	r, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return m, err
	}
	defer r.Close()
	err = json.NewDecoder(r).Decode(&m)
	return m, err
}
