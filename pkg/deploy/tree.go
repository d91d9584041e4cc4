package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"sync/atomic"

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
	m, err := c.manifest(ctx, digest)
	if err != nil {
		return err
	}
	if c.blobView, err = c.blobs.View(scope(c.project)); err != nil {
		return err
	}
	digests := make(map[string]string, len(m.Files))
	for _, f := range m.Files {
		digests[f.Path] = f.SHA256
	}
	c.damaged = new(atomic.Bool)
	c.tree = source.Tree{Manifest: m, FS: blobFS{view: c.blobView, digests: digests, damaged: c.damaged}}
	return nil
}

func (c *change) closeTree() error {
	if c.blobView == nil {
		return nil
	}
	return c.blobView.Close()
}

// readWhole is up to which size a file is read, and held to its digest, before
// anybody sees any of it. Nothing larger is code.
const readWhole = 16 << 20

// blobFS opens the files of a manifest from the blobs of its project.
type blobFS struct {
	view    *blob.View
	digests map[string]string
	// damaged becomes true when a content is not there as it was: what was made of
	// the tree then is worth nothing.
	damaged *atomic.Bool
}

// Open implements fs.FS for files; the compiler lists them by the manifest.
func (b blobFS) Open(name string) (fs.File, error) {
	digest, ok := b.digests[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	f, err := b.open(digest)
	if errors.Is(err, blob.ErrLost) {
		// A tree that was kept is complete: not the person's missing file.
		b.damaged.Store(true)
		return nil, fmt.Errorf("open %s: the platform lost its content", name)
	}
	return f, err
}

func (b blobFS) open(digest string) (fs.File, error) {
	f, err := b.view.OpenKept(digest)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil || info.Size() > readWhole {
		return f, err
	}
	data, err := io.ReadAll(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return &inMemory{Reader: bytes.NewReader(data), FileInfo: info}, nil
}

// inMemory is a file that has been read.
type inMemory struct {
	*bytes.Reader
	fs.FileInfo
}

func (f *inMemory) Stat() (fs.FileInfo, error) { return f.FileInfo, nil }
func (f *inMemory) Close() error               { return nil }
func (f *inMemory) Size() int64                { return f.FileInfo.Size() }
