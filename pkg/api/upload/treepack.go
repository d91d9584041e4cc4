package upload

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/api/frames"
)

// packer writes the stream of a tree: its head, then the contents of those files
// whose numbers are in send, sorted. Frames are compressed beside each other, and sent in
// their order.
type packer struct {
	tree    source.Tree
	head    []byte
	send    []int
	encoder *zstd.Encoder
	buffers sync.Pool
	done    *atomic.Int64 // bytes of contents
}

// group is a run of files that one worker packs, into one frame or, when it is
// one large file, several.
type group struct {
	before int // the number of the file sent before the first
	send   []int
	frames chan []byte
}

func newPacker(tree source.Tree, head []byte, send []int, done *atomic.Int64) (*packer, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false),
		zstd.WithWindowSize(frames.Bytes), zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)))
	if err != nil {
		return nil, fmt.Errorf("start compression: %w", err)
	}
	return &packer{tree: tree, head: head, send: send, encoder: encoder, done: done, buffers: sync.Pool{New: func() any { return new([]byte) }}}, nil
}

// writeTo packs into w.
func (p *packer) writeTo(ctx context.Context, w io.Writer) error {
	groups := p.groups()
	if len(groups) <= 1 {
		return p.writeSmall(w, groups)
	}
	if _, err := w.Write(p.encoder.EncodeAll(p.head, nil)); err != nil {
		return err
	}
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error { return p.startAll(ctx, work, groups) })
	work.Go(func() error {
		for _, g := range groups {
			if err := writeFrames(ctx, w, g.frames); err != nil {
				return err
			}
		}
		_, err := w.Write(p.encoder.EncodeAll([]byte{0}, nil))
		return err
	})
	return work.Wait()
}

// writeSmall makes one frame of all, when that is enough.
func (p *packer) writeSmall(w io.Writer, groups []*group) error {
	out := p.head
	for _, g := range groups {
		err := p.pack(g, frames.Bytes<<1, func(plain []byte) error { out = append(out, plain...); return nil })
		if err != nil {
			return err
		}
	}
	_, err := w.Write(p.encoder.EncodeAll(append(out, 0), nil))
	return err
}

// groups splits what is sent into runs of about a frame.
func (p *packer) groups() []*group {
	var out []*group
	size, before := int64(0), -1
	for _, n := range p.send {
		f := p.tree.Files[n]
		if len(out) == 0 || size+f.Size > frames.Bytes {
			out, size = append(out, &group{before: before, frames: make(chan []byte, 1)}), 0
		}
		g := out[len(out)-1]
		g.send = append(g.send, n)
		size += f.Size
		before = n
	}
	return out
}

// startAll packs groups in their order, a few at a time: each waits, with a
// frame or two, until those before it are sent.
func (p *packer) startAll(ctx context.Context, work *errgroup.Group, groups []*group) error {
	slots := make(chan struct{}, runtime.GOMAXPROCS(0)+1)
	for _, g := range groups {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		work.Go(func() error {
			defer func() { <-slots }()
			err := p.pack(g, frames.Bytes, func(plain []byte) error {
				select {
				case g.frames <- p.encoder.EncodeAll(plain, nil):
					p.done.Add(int64(len(plain)))
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			})
			if err == nil {
				close(g.frames) // else they are not all
			}
			return err
		})
	}
	return nil
}

func writeFrames(ctx context.Context, w io.Writer, from <-chan []byte) error {
	for {
		select {
		case frame, ok := <-from:
			if !ok {
				return nil
			}
			if _, err := w.Write(frame); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pack reads the files of a group and hands them on in pieces of at least limit
// bytes, but for the last.
func (p *packer) pack(g *group, limit int, emit func(plain []byte) error) error {
	buf := p.buffers.Get().(*[]byte)
	defer p.buffers.Put(buf)
	plain := (*buf)[:0]
	if cap(plain) == 0 {
		plain = make([]byte, 0, limit+limit/4)
	}
	before := g.before
	for _, n := range g.send {
		plain = binary.AppendUvarint(plain, uint64(n-before))
		before = n
		var err error
		if plain, err = p.packFile(p.tree.Files[n], plain, limit, emit); err != nil {
			return err
		}
	}
	*buf = plain
	return emit(plain)
}

// packFile hashes the very bytes that it sends.
func (p *packer) packFile(f source.File, plain []byte, limit int, emit func([]byte) error) ([]byte, error) {
	file, err := p.tree.FS.Open(f.Path)
	if err != nil {
		return nil, fmt.Errorf("upload %s: %w: %w", f.Path, api.ErrNotSent, err)
	}
	defer file.Close()
	h := sha256.New()
	for left := f.Size; left > 0; {
		if len(plain) >= limit {
			if err := emit(plain); err != nil {
				return nil, err
			}
			plain = plain[:0]
		}
		n := int(min(left, int64(limit)))
		if plain, err = readInto(plain, file, n, h); err != nil {
			return nil, changed(f, err)
		}
		left -= int64(n)
	}
	if hex.EncodeToString(h.Sum(nil)) != f.SHA256 {
		return nil, changed(f, nil)
	}
	return plain, nil
}

// readInto appends n bytes of r.
func readInto(plain []byte, r io.Reader, n int, h hash.Hash) ([]byte, error) {
	begin := len(plain)
	if cap(plain) < begin+n {
		plain = append(make([]byte, 0, begin+n), plain...)
	}
	plain = plain[:begin+n]
	if _, err := io.ReadFull(r, plain[begin:]); err != nil {
		return nil, err
	}
	_, err := h.Write(plain[begin:])
	return plain, err
}

// changed is the fault of a file that is not what was scanned.
func changed(f source.File, err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %s changed while it was uploaded; push again", api.ErrNotSent, f.Path)
	}
	return fmt.Errorf("upload %s: %w: %w", f.Path, api.ErrNotSent, err)
}
