// Package upload sends trees to the platform: what it lacks of their contents, in frames
// that are compressed beside each other, and goes on where a connection broke.
package upload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
)

// Platform is what an upload asks of it. *api.Client does.
type Platform interface {
	PutTree(ctx context.Context, project, digest, base string, body func() io.Reader) (api.Missing, error)
	BeginUploads(ctx context.Context, project string, in api.Uploads) (api.UploadStates, error)
	PatchUpload(ctx context.Context, project, id string, offset, size int64, body func() io.Reader) (api.UploadState, error)
}

type sender struct{ Platform }

// uploads is how often a tree is sent before it is given up: the second time
// only what has not arrived.
const uploads = 4

// firstWait is how long is waited after a fault, at first.
const firstWait = 200 * time.Millisecond

// Request is a tree that the platform is to have.
type Request struct {
	Tree source.Tree
	// Base is a tree that the platform is believed to have, nil for none: what
	// it does not have of Tree is sent without asking.
	Base *api.Manifest
	// Ask is whether to ask first what the platform lacks: an earlier upload
	// broke off.
	Ask bool
	// Unread are the files of Tree that have no digest yet, nil for none. They have
	// one when they are sent, and Settled, which may be nil, is called after each.
	Unread  Unread
	Settled func()
	// Sent counts the bytes that went over the wire, also of uploads that fail.
	Sent atomic.Int64
	// Done counts the bytes of contents that the platform has, of Bytes.
	Done atomic.Int64
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// Files is how many files an upload sends that does not ask, and Bytes how many
// bytes they have.
func (u *Request) Files() int { return len(lacking(u.Tree.Manifest, u.Base)) }

// Bytes is how many bytes the contents have that the base lacks.
func (u *Request) Bytes() int64 { return sizeOf(u.Tree.Manifest, lacking(u.Tree.Manifest, u.Base)) }

func sizeOf(m api.Manifest, which []int) (total int64) {
	for _, n := range which {
		total += m.Files[n].Size
	}
	return total
}

// split tells contents that travel with the tree from those that are sent by
// themselves.
func split(m api.Manifest, which []int) (small, large []int) {
	for _, n := range which {
		if m.Files[n].Size > api.LargeBytes {
			large = append(large, n)
		} else {
			small = append(small, n)
		}
	}
	return small, large
}

// Send sends a tree. A file that changed since it was scanned is an error that
// names it. What has arrived stays: an upload that broke off goes on when it is
// made again, with Ask.
func Send(ctx context.Context, platform Platform, project string, u *Request) error {
	c := sender{platform}
	if err := u.settle(ctx); err != nil {
		return err
	}
	base := u.Base
	send, large := split(u.Tree.Manifest, lacking(u.Tree.Manifest, base))
	err := c.sendLarge(ctx, project, u, large, sizeOf(u.Tree.Manifest, send))
	if err != nil {
		return err
	}
	if u.Ask {
		send = nil
	}
	for attempt := range uploads {
		var missing api.Missing
		missing, err = c.putTree(ctx, project, u, base, send)
		switch {
		case err == nil && len(missing.SHA256) == 0:
			return nil
		case err == nil:
			send, large = split(u.Tree.Manifest, numbers(u.Tree.Manifest, missing.SHA256))
			if err := c.sendLarge(ctx, project, u, large, sizeOf(u.Tree.Manifest, send)); err != nil {
				return err
			}
			err = fmt.Errorf("the platform lacks %d files that were sent; push again", len(missing.SHA256))
		case codeIn(err) == api.BaseUnknown:
			base, send = nil, nil // ask
		case codeIn(err) == api.Busy:
			if sleep(ctx, busyWait) != nil {
				return err
			}
		case refusedUpload(err):
			return err
		default: // the connection broke: ask what has arrived
			send = nil
			if sleep(ctx, firstWait<<attempt) != nil {
				return err
			}
		}
	}
	return err
}

// refusedUpload reports whether sending again is of no use: the platform itself
// said no, or this side cannot send.
func refusedUpload(err error) bool {
	var p *api.Problem
	return errors.Is(err, api.ErrNotSent) || errors.As(err, &p) && (p.Status < http.StatusInternalServerError || p.RequestID != "")
}

// codeIn is the code of the problem that err is, if it is one.
func codeIn(err error) api.Code {
	var p *api.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

func (c sender) putTree(ctx context.Context, project string, u *Request, base *api.Manifest, send []int) (api.Missing, error) {
	from, digest := api.Manifest{}, ""
	if base != nil {
		from, digest = *base, base.Digest()
	}
	head, err := api.TreeHead(from, u.Tree.Manifest)
	if err != nil {
		return api.Missing{}, fmt.Errorf("%w: %w", api.ErrNotSent, err)
	}
	p, err := newPacker(u.Tree, head, send, &u.Done)
	if err != nil {
		return api.Missing{}, err
	}
	body := func() io.Reader {
		r, w := io.Pipe()
		go func() {
			// The transport closes r when the request ends, so this ends too.
			w.CloseWithError(p.writeTo(ctx, countWriter{w, &u.Sent}))
		}()
		return r
	}
	return c.PutTree(ctx, project, u.Tree.Digest(), digest, body)
}

// lacking lists the files of m whose contents base has not, each content once.
func lacking(m api.Manifest, base *api.Manifest) []int {
	size := len(m.Files)
	if base != nil {
		size = len(base.Files)
	}
	has := make(map[string]bool, size)
	if base != nil {
		for _, f := range base.Files {
			has[f.SHA256] = true
		}
	}
	out := []int{}
	for n, f := range m.Files {
		if f.SHA256 == "" || !has[f.SHA256] { // one that is unread is like no other
			has[f.SHA256] = true
			out = append(out, n)
		}
	}
	return out
}

// numbers finds the first file of each digest.
func numbers(m api.Manifest, digests []string) []int {
	want := make(map[string]bool, len(digests))
	for _, d := range digests {
		want[d] = true
	}
	var out []int
	for n, f := range m.Files {
		if want[f.SHA256] {
			delete(want, f.SHA256)
			out = append(out, n)
		}
	}
	return out
}

type countWriter struct {
	w io.Writer
	n *atomic.Int64
}

func (c countWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n.Add(int64(n))
	return n, err
}
