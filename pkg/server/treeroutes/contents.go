package treeroutes

import (
	"context"
	"errors"
	"io"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/server/peer"
	"fngen.dev/fngen/pkg/store"
)

// keepContents keeps what comes along. The first content asks for room for all
// that the base lacks: how many there are is known only at the end.
func (t *Routes) keepContents(ctx context.Context, p store.Project, in *api.TreeReader, base, m source.Manifest, held *share) error {
	var batch *blob.Batch
	counted := false
	for {
		f, content, err := in.Next()
		if err == nil && batch == nil {
			var release func()
			if release, err = t.Room.Take(ctx, p, t.smallBytes(p, base, m)); err != nil {
				return err
			}
			defer release()
			batch, err = t.Blobs.Batch(p.Scope())
		}
		if err == nil && !counted {
			counted, err = true, t.countIndex(p, batch, base, m, held)
		}
		if err == nil {
			err = batch.Put(ctx, f.SHA256, f.Size, content)
		}
		if err == nil {
			continue
		}
		if batch != nil {
			err = errors.Join(notEnd(err), batch.Close())
		}
		return notEnd(err)
	}
}

// notEnd makes the end of a stream no error, and one too early the caller's.
func notEnd(err error) error {
	if err == io.EOF { //nolint:errorlint // a wrapped one is not the end
		return nil
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return peer.Blame(err)
	}
	return err
}

// rowBytes is what a file takes of a tree's row.
const rowBytes = 48

// maxIndex is what the index of the packs of one project may take.
const maxIndex = 32 << 20

// countIndex holds the memory of the index by which the batch knows what is there,
// and bounds it: a project of more contents than that could not be read any more.
func (t *Routes) countIndex(p store.Project, batch *blob.Batch, base, m source.Manifest, held *share) error {
	index := batch.IndexBytes()
	if index+int64(len(m.Files))*blob.IndexWidth > maxIndex {
		return api.NewProblem(api.NoRoom, "project %q has %d small files, of all that was pushed since it was made; a project may have %d",
			p.Name, index/blob.IndexWidth, maxIndex/blob.IndexWidth).WithHelp("destroy the project and create it again, or list in .fnignore what the code does not need")
	}
	return held.hold(bytesOf(base, m) + index)
}

// smallBytes is what the contents have that may come with a tree, without those
// that are there.
func (t *Routes) smallBytes(p store.Project, base, m source.Manifest) int64 {
	had := make(map[string]bool, len(base.Files))
	for _, f := range base.Files {
		had[f.SHA256] = true
	}
	view, err := t.Blobs.View(p.Scope())
	if err != nil {
		view = &blob.View{} // Batch will say it
	}
	defer view.Close()
	total := int64(0)
	for _, f := range m.Files {
		if f.Size > api.LargeBytes || had[f.SHA256] {
			continue
		}
		had[f.SHA256] = true
		if has, _ := view.Has(f.SHA256); !has {
			total += f.Size
		}
	}
	return total
}

// missing lists the contents that the project lacks for a tree, each once. Those
// of base are there. The sizes that the manifest claims, by which the limits
// were held, must be those of the contents.
func (t *Routes) missing(p store.Project, base, m source.Manifest) ([]string, error) {
	view, err := t.Blobs.View(p.Scope())
	if err != nil {
		return nil, err
	}
	defer view.Close()
	known := make(map[string]int64, len(m.Files))
	for _, f := range base.Files {
		known[f.SHA256] = f.Size
	}
	out := []string{}
	for _, f := range m.Files {
		size, ok := known[f.SHA256]
		if !ok {
			var there bool
			if size, there, err = sizeOf(view, f); err != nil {
				return nil, err
			}
			if !there {
				size = f.Size
				out = append(out, f.SHA256)
			}
			known[f.SHA256] = size
		}
		if size != f.Size {
			return nil, api.NewProblem(api.Invalid, "the manifest is not valid: %q has %d bytes, not %d", f.Path, size, f.Size)
		}
	}
	return out, nil
}
