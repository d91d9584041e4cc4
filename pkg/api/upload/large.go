package upload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
)

const (
	// pieceTries is how often a content is sent on without any of it arriving.
	pieceTries = 7
	// busyWait is how long it is waited for a place among uploads under way.
	busyWait = 3 * time.Second
)

// Unread is files of a tree that have no digest yet: it is made while they are
// sent. *source.Scanned is one.
type Unread interface {
	Unread(n int) bool
	Identity(n int) string
	Read(n int) (*source.Reading, error)
}

// content is one large content on its way.
type content struct {
	n    int
	id   string
	file source.File
}

func (u *Request) unread(n int) bool { return u.Unread != nil && u.Unread.Unread(n) }

func (u *Request) content(n int) content {
	c := content{n: n, file: u.Tree.Files[n]}
	if c.id = c.file.SHA256; u.unread(n) {
		c.id = u.Unread.Identity(n)
	}
	return c
}

// settle reads those unread files that may be the ones of the base, which are not
// sent then.
func (u *Request) settle(ctx context.Context) error {
	if u.Base == nil || u.Unread == nil {
		return nil
	}
	sizes, has := map[int64]bool{}, map[string]bool{}
	for _, f := range u.Base.Files {
		sizes[f.Size], has[f.SHA256] = true, true
	}
	for n, f := range u.Tree.Files {
		if !u.unread(n) || !sizes[f.Size] {
			continue
		}
		p, err := u.open(u.content(n))
		if err == nil {
			err = p.readToEnd(ctx)
		}
		digest := ""
		if err == nil {
			digest, err = p.digest()
		}
		p.close()
		if err != nil {
			return err
		}
		if has[digest] {
			u.Done.Add(f.Size)
		}
		if u.Settled != nil {
			u.Settled()
		}
	}
	return nil
}

// sendLarge sends contents by themselves, each from where the platform has it to.
// more is what will follow with the tree.
func (c sender) sendLarge(ctx context.Context, project string, u *Request, which []int, more int64) error {
	if len(which) == 0 {
		return nil
	}
	contents := make([]content, len(which))
	for i, n := range which {
		contents[i] = u.content(n)
	}
	states, err := c.beginUploads(ctx, project, more, contents...)
	if err != nil {
		return err
	}
	for i, content := range contents {
		if err := c.sendContent(ctx, project, u, content, states[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c sender) beginUploads(ctx context.Context, project string, more int64, contents ...content) ([]api.UploadState, error) {
	in := api.Uploads{More: more}
	for _, c := range contents {
		in.Contents = append(in.Contents, api.UploadOf{ID: c.id, Size: c.file.Size, SHA256: c.file.SHA256})
	}
	out, err := c.BeginUploads(ctx, project, in)
	if err != nil {
		return nil, err
	}
	return out.Contents, checkStates(out.Contents, contents)
}

// checkStates refuses an answer that nothing can be made of.
func checkStates(states []api.UploadState, contents []content) error {
	if len(states) != len(contents) {
		return fmt.Errorf("the platform answered about %d contents, not %d", len(states), len(contents))
	}
	for i, c := range contents {
		if offset := states[i].Offset; offset < 0 || offset > c.file.Size {
			return fmt.Errorf("the platform says that it has %d of the %d bytes of %s", offset, c.file.Size, c.file.Path)
		}
	}
	return nil
}

// sendContent goes on as long as anything arrives.
func (c sender) sendContent(ctx context.Context, project string, u *Request, content content, state api.UploadState) error {
	done, again := u.Done.Load(), false
	last := errNoMore
	for try := 0; try < pieceTries; {
		content.file = u.Tree.Files[content.n] // it may have its digest by now
		u.Done.Store(done + state.Offset)
		if state.SHA256 != "" && state.SHA256 == content.file.SHA256 {
			return nil
		}
		next, ours, err := c.sendPiece(ctx, project, u, content, state.Offset)
		switch {
		case err != nil:
			last, content.file = err, u.Tree.Files[content.n]
			if next, err = c.goOn(ctx, project, content, state, try, err); err != nil {
				return err
			}
		case next.SHA256 == "": // not all of it is there
		case next.SHA256 == ours:
			return nil
		case again:
			return changed(content.file, nil)
		default: // What had arrived before was of another state of the file. It is gone.
			again, next = true, api.UploadState{}
		}
		if try++; next.Offset > state.Offset {
			try = 0
		}
		state = next
	}
	return fmt.Errorf("upload %s: it does not arrive: %w", content.file.Path, last)
}

// errNoMore is a content of which the platform takes no more, without saying why.
var errNoMore = errors.New("the platform has no more of it than before")

// goOn waits after a fault, and asks from where to go on; state is what was there
// before. What ends the upload is an error.
func (c sender) goOn(ctx context.Context, project string, content content, state api.UploadState, try int, fault error) (api.UploadState, error) {
	wait := firstWait << try
	switch {
	case codeIn(fault) == api.Busy:
		wait = busyWait
	case ctx.Err() != nil, codeIn(fault) != api.OffsetMismatch && refusedUpload(fault):
		return state, fault
	}
	if sleep(ctx, wait) != nil {
		return state, fault
	}
	states, err := c.beginUploads(ctx, project, 0, content)
	switch {
	case err == nil:
		return states[0], nil
	case ctx.Err() != nil, codeIn(err) != api.Busy && refusedUpload(err):
		return state, err
	}
	return state, nil // for all that is known
}
