package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"fngen.dev/fngen/compiler/source/disk"
	"fngen.dev/fngen/compiler/source/index"
)

// hashed is a file with its digest.
type hashed struct {
	stat   index.Stat
	digest index.Digest
	err    error
	// unread is a file that is left for later: it has no digest yet.
	unread bool
}

// hash gives every file its digest, of the index where that knows it. A file that
// cannot be read is a fault of its own, and the others are still hashed.
func (c *collector) hash(ctx context.Context, o Options) ([]File, error) {
	all := make([]hashed, len(c.files))
	changed := c.leave(c.lookUp(o.Indexes, all), all, o.Later)
	c.hashed = len(changed)
	if len(changed) == 0 && len(c.later) == 0 {
		return c.readable(all), nil
	}
	var next *index.Writer
	if o.Indexes != "" {
		// Without one the scan is as right, and the next one slower.
		next, _ = index.Create(o.Indexes, c.w.root)
	}
	if err := c.hashAll(ctx, changed, all); err != nil {
		if next != nil {
			next.Abort()
		}
		return nil, fmt.Errorf("hash files: %w", err)
	}
	if next != nil {
		c.begun = next.Begun()
		c.writeIndex(next, all)
	}
	return c.readable(all), nil
}

// leave takes the files that are to be read later out of those that changed.
func (c *collector) leave(changed []int, all []hashed, from int64) []int {
	if from == 0 {
		return changed
	}
	now := changed[:0]
	for _, i := range changed {
		if c.files[i].stat.Size < from {
			now = append(now, i)
			continue
		}
		all[i] = hashed{stat: c.files[i].stat, unread: true}
		c.later = append(c.later, i)
	}
	return now
}

// lookUp takes the digests that the index knows, and returns which files have to
// be read.
func (c *collector) lookUp(dir string, all []hashed) (changed []int) {
	old := new(index.Index)
	if dir != "" {
		old = index.Open(dir, c.w.root)
	}
	for i, it := range c.files {
		digest, ok := old.Find(c.w.shown(it.path), it.stat)
		all[i] = hashed{stat: it.stat, digest: digest}
		if !ok {
			changed = append(changed, i)
		}
	}
	return changed
}

func (c *collector) hashAll(ctx context.Context, which []int, all []hashed) error {
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range min(max(4, runtime.GOMAXPROCS(0)), len(which)) {
		group.Go(func() error {
			h := hasher{sum: sha256.New(), buf: make([]byte, 64<<10)}
			for n := int(next.Add(1)) - 1; n < len(which); n = int(next.Add(1)) - 1 {
				i := which[n]
				if all[i] = h.file(ctx, c.w.disk(c.files[i].path), c.files[i].link); ctx.Err() != nil {
					return ctx.Err()
				}
			}
			return nil
		})
	}
	return group.Wait()
}

var errGrows = errors.New("it grew over the size that a file may have")

type hasher struct {
	sum hash.Hash
	buf []byte
}

func (h *hasher) file(ctx context.Context, path string, link bool) (out hashed) {
	f, err := disk.OpenFile(path, link)
	if err != nil {
		return hashed{err: err}
	}
	defer f.Close()
	// The state before the first byte: a change in the middle shows the next time.
	if out.stat, out.err = f.Stat(); out.err != nil {
		return out
	}
	if !disk.KindOf(out.stat).IsRegular() {
		return hashed{err: disk.ErrNotRegular}
	}
	h.sum.Reset()
	size := int64(0)
	for {
		n, err := f.Next(h.buf)
		if err != nil {
			return hashed{err: err}
		}
		h.sum.Write(h.buf[:n])
		if size += int64(n); size > MaxFileSize {
			return hashed{err: errGrows}
		}
		if n == 0 || size >= out.stat.Size && n < len(h.buf) || ctx.Err() != nil {
			break
		}
	}
	if size != out.stat.Size {
		out.stat = index.Stat{Size: size, Mode: out.stat.Mode} // it is being written: nothing to remember
	}
	h.sum.Sum(out.digest[:0])
	return out
}

func (c *collector) writeIndex(next *index.Writer, all []hashed) {
	for i, f := range all {
		if f.err == nil && !f.unread {
			next.Add(c.w.shown(c.files[i].path), f.stat, f.digest)
		}
	}
	_ = next.Commit() // as above: it only costs time
}

// readable lists the files that could be read, and those that will be.
func (c *collector) readable(all []hashed) []File {
	files := make([]File, 0, len(all))
	c.all = all
	for i, f := range all {
		it := c.files[i]
		if f.err != nil {
			n := node{}
			n.unreadable(c.w.shown(it.path), f.err)
			c.diags = append(c.diags, n.faults...)
			continue
		}
		file := File{Path: c.w.shown(it.path), Executable: f.stat.Mode&0o100 != 0, Size: f.stat.Size}
		if f.unread {
			c.unread = append(c.unread, len(files))
		} else {
			var text [2 * sha256.Size]byte
			hex.Encode(text[:], f.digest[:])
			file.SHA256 = string(text[:])
		}
		files = append(files, file)
	}
	return files
}
