package deploy

import (
	"context"
	"strconv"
	"sync/atomic"

	"fngen.dev/fngen/compiler/imports"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/deploy/treefs"
	"fngen.dev/fngen/pkg/store"
)

// scope is where a project's blobs are.
func scope(p store.Project) string { return strconv.FormatInt(p.ID, 10) }

// openTree makes the compiler's view of the tree that is to be live, once.
func (c *change) openTree(ctx context.Context, digest string) error {
	if c.tree.FS != nil {
		return nil
	}
	m, err := c.manifest(ctx, digest)
	if err != nil {
		return err
	}
	if c.blobView, err = c.blobs.View(scope(c.project)); err != nil {
		return err
	}
	c.damaged = new(atomic.Bool)
	c.tree = source.Tree{Manifest: m, FS: treefs.New(c.blobView, m, c.damaged)}
	return nil
}

// code is what is to be live for who has to say where in it a fault is.
func (c *change) code(ctx context.Context) (imports.Input, error) {
	err := c.openTree(ctx, c.release.Tree)
	return c.importsInput(), err
}

func (c *change) closeTree() error {
	if c.blobView == nil {
		return nil
	}
	return c.blobView.Close()
}
