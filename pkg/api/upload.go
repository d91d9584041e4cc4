package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/delta"
)

// uploads is how often a tree is sent before it is given up: the second time
// only what has not arrived.
const uploads = 4

// CreateProject is the body of POST /v1/projects.
type CreateProject struct {
	Name string `json:"name"`
}

// Upload is a tree that the platform is to have.
type Upload struct {
	Tree source.Tree
	// Base is a tree that the platform is believed to have, nil for none: what
	// it does not have of Tree is sent without asking.
	Base *Manifest
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

// Files is how many files an upload sends that does not ask, and Bytes how many
// bytes they have.
func (u *Upload) Files() int { return len(lacking(u.Tree.Manifest, u.Base)) }

// Bytes is how many bytes the contents have that the base lacks.
func (u *Upload) Bytes() int64 { return sizeOf(u.Tree.Manifest, lacking(u.Tree.Manifest, u.Base)) }

func sizeOf(m Manifest, which []int) (total int64) {
	for _, n := range which {
		total += m.Files[n].Size
	}
	return total
}

// split tells contents that travel with the tree from those that are sent by
// themselves.
func split(m Manifest, which []int) (small, large []int) {
	for _, n := range which {
		if m.Files[n].Size > LargeBytes {
			large = append(large, n)
		} else {
			small = append(small, n)
		}
	}
	return small, large
}

// Upload sends a tree. A file that changed since it was scanned is an error that
// names it. What has arrived stays: an upload that broke off goes on when it is
// made again, with Ask.
func (c *Client) Upload(ctx context.Context, project string, u *Upload) error {
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
		var missing Missing
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
		case codeIn(err) == BaseUnknown:
			base, send = nil, nil // ask
		case codeIn(err) == Busy:
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
	var p *Problem
	return errors.Is(err, errNotSent) || errors.As(err, &p) && (p.Status < http.StatusInternalServerError || p.RequestID != "")
}

// codeIn is the code of the problem that err is, if it is one.
func codeIn(err error) Code {
	var p *Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

func (c *Client) putTree(ctx context.Context, project string, u *Upload, base *Manifest, send []int) (Missing, error) {
	path := projectPath(project) + "/trees/" + url.PathEscape(u.Tree.Digest())
	from := Manifest{}
	if base != nil {
		path += "?base=" + url.QueryEscape(base.Digest())
		from = *base
	}
	head, err := treeHead(from, u.Tree.Manifest)
	if err != nil {
		return Missing{}, fmt.Errorf("%w: %w", errNotSent, err)
	}
	p, err := newPacker(u.Tree, head, send, &u.Done)
	if err != nil {
		return Missing{}, err
	}
	body := func() io.Reader {
		r, w := io.Pipe()
		go func() {
			// The transport closes r when the request ends, so this ends too.
			w.CloseWithError(p.writeTo(ctx, countWriter{w, &u.Sent}))
		}()
		return r
	}
	// Not repeated as it is: what has arrived need not be sent again.
	resp, err := c.do(ctx, http.MethodPut, path, TreeContentType, body, false)
	if err != nil {
		return Missing{}, err
	}
	defer resp.Body.Close()
	var out Missing
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&out); err != nil {
		return Missing{}, fmt.Errorf("read answer of %s: %w", path, err)
	}
	return out, nil
}

// lacking lists the files of m whose contents base has not, each content once.
func lacking(m Manifest, base *Manifest) []int {
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
func numbers(m Manifest, digests []string) []int {
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

// LatestTree returns the tree that the project was last given, the best base for
// the next. ErrNoTree says that there is none.
func (c *Client) LatestTree(ctx context.Context, project string) (*Manifest, error) {
	resp, err := c.do(ctx, http.MethodGet, projectPath(project)+"/trees/latest", "", func() io.Reader { return nil }, true)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNoContent {
		return nil, ErrNoTree
	}
	z, err := zstd.NewReader(resp.Body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("start decompression: %w", err)
	}
	defer z.Close()
	text, err := io.ReadAll(io.LimitReader(z, delta.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read latest tree: %w", err)
	}
	m, err := delta.Apply(Manifest{}, text)
	if err != nil {
		return nil, fmt.Errorf("read latest tree: %w", err)
	}
	return &m, nil
}

// ErrNoTree is a project that was never given a tree.
var ErrNoTree = errors.New("the project has no tree yet")

type countWriter struct {
	w io.Writer
	n *atomic.Int64
}

func (c countWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n.Add(int64(n))
	return n, err
}
