package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/store"
)

// scope is where a project's blobs are.
func scope(p store.Project) string { return strconv.FormatInt(p.ID, 10) }

// openTree makes the compiler's view of the tree that is to be live, once.
func (c *change) openTree(ctx context.Context, digest string) error {
	if c.tree.FS != nil {
		return nil
	}
	m, err := c.store.Tree(ctx, c.project.ID, digest)
	if err != nil {
		return fmt.Errorf("read tree: %w", err)
	}
	if c.blobView, err = c.blobs.View(scope(c.project)); err != nil {
		return err
	}
	digests := make(map[string]string, len(m.Files))
	for _, f := range m.Files {
		digests[f.Path] = f.SHA256
	}
	c.tree = source.Tree{Manifest: m, FS: blobFS{view: c.blobView, digests: digests}}
	return nil
}

func (c *change) closeTree() error {
	if c.blobView == nil {
		return nil
	}
	return c.blobView.Close()
}

// blobFS opens the files of a manifest from the blobs of its project.
type blobFS struct {
	view    *blob.View
	digests map[string]string
}

// Open implements fs.FS for files; the compiler lists them by the manifest.
func (b blobFS) Open(name string) (fs.File, error) {
	digest, ok := b.digests[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	f, err := b.view.Open(digest)
	if errors.Is(err, fs.ErrNotExist) {
		// A tree that was kept is complete: not the person's missing file.
		return nil, fmt.Errorf("open %s: the platform lost its content", name)
	}
	return f, err
}
