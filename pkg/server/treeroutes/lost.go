package treeroutes

import (
	"context"
	"errors"
	"io/fs"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/store"
)

// What the platform has kept can be lost: a disk damages it, a hand removes it. It is
// held to its digest when it is read, and is missing from then on. A tree that lacks
// something counts as one that the platform does not have, so that whoever has the
// files sends what is missing.

// Whole reports whether a project has a tree with all its contents. A tree that was
// kept is, unless something of the project was lost.
func (t *Routes) Whole(ctx context.Context, p store.Project, digest string) (bool, error) {
	has, err := t.Rows.UseTree(ctx, p.ID, digest)
	if err != nil || !has || !t.Blobs.Lossy(p.Scope()) {
		return has, err
	}
	m, err := t.Rows.Tree(ctx, p.ID, digest)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	lost, err := t.missing(p, source.Manifest{}, m)
	return len(lost) == 0, err
}

// sizeOf is the size of a content that is there. One of another size than it should
// have is damaged, or the manifest is wrong: then its size is told.
func sizeOf(view *blob.View, f source.File) (size int64, there bool, err error) {
	size, err = view.Size(f.SHA256)
	if err == nil && size != f.Size {
		if err = view.Verify(f.SHA256, size); errors.Is(err, blob.ErrLost) {
			return 0, false, nil
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	return size, err == nil, err
}

// lostTree refuses to send a tree that lacks something.
func lostTree(p store.Project, digest string) error {
	return api.NewProblem(api.TreeMissing, "the platform does not have all files of tree %s of project %q any more", digest, p.Name).
		WithHelp("push the code again: what is missing is sent again")
}
