package deploy

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/store"
)

const (
	// maxSchema bounds the schema of one function, maxSchemaWindow what is kept in memory
	// to read it: a project's own code has made it.
	maxSchema       = 4 << 20
	maxSchemaWindow = 8 << 20
)

// Schema is what a function of a release takes, as its code said when it was pushed; nil
// where that is not known.
func (s *Service) Schema(ctx context.Context, p store.Project, release int, function string) ([]byte, error) {
	r, err := s.store.Release(ctx, p.ID, release)
	if err != nil {
		return nil, fmt.Errorf("read release %d of %q: %w", release, p.Name, err)
	}
	var project ir.Project
	if err := json.Unmarshal(r.IR, &project); err != nil {
		return nil, fmt.Errorf("decode release %d of %q: %w", release, p.Name, err)
	}
	key := jobs.SchemasKey(&project, jobs.Release{Tree: r.Tree, Layer: r.Layer})
	l, err := s.store.Layer(ctx, p.ID, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up schemas: %w", err)
	}
	view, err := s.blobs.View(scope(p))
	if err != nil {
		return nil, err
	}
	defer view.Close()
	f, err := view.Open(l.SHA256)
	if err != nil {
		return nil, fmt.Errorf("open schemas: %w", err)
	}
	defer f.Close()
	return readSchema(f, function+".json")
}

// readSchema reads one file of a compressed tar.
func readSchema(r io.Reader, name string) ([]byte, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxSchemaWindow), zstd.WithDecoderMaxWindow(maxSchemaWindow))
	if err != nil {
		return nil, fmt.Errorf("read schemas: %w", err)
	}
	defer z.Close()
	t := tar.NewReader(io.LimitReader(z, 100*maxSchema))
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read schemas: %w", err)
		}
		if h.Name != name || h.Typeflag != tar.TypeReg {
			continue
		}
		if h.Size > maxSchema {
			return nil, fmt.Errorf("read schemas: that of %s has %d bytes", name, h.Size)
		}
		return io.ReadAll(t)
	}
}
