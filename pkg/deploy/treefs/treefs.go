// Package treefs opens the files of a tree that the platform took in, from the blobs of
// its project.
package treefs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/blob"
)

// readWhole is up to which size a file is read, and held to its digest, before
// anybody sees any of it. Nothing larger is code.
const readWhole = 16 << 20

// Tree opens the files of a manifest from the blobs of its project.
type Tree struct {
	view    *blob.View
	digests map[string]string
	damaged *atomic.Bool
}

// New opens the files of a manifest. damaged becomes true when a content is not
// there as it was taken in: what was made of the tree then is worth nothing.
func New(view *blob.View, m source.Manifest, damaged *atomic.Bool) Tree {
	digests := make(map[string]string, len(m.Files))
	for _, f := range m.Files {
		digests[f.Path] = f.SHA256
	}
	return Tree{view: view, digests: digests, damaged: damaged}
}

// Open implements fs.FS for files; the compiler lists them by the manifest.
func (b Tree) Open(name string) (fs.File, error) {
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

func (b Tree) open(digest string) (fs.File, error) {
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
