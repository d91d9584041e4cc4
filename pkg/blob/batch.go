package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sync/errgroup"

	"fngen.dev/fngen/pkg/panics"
)

const (
	// slabBytes is how much is verified and written at once. A larger blob has a
	// file of its own.
	slabBytes = 1 << 20
	// packBytes is the size from which a pack is finished and another begun: what
	// a crash loses of an upload.
	packBytes = 32 << 20
	// fewBlobs have files of their own, so that many small pushes do not make
	// many packs.
	fewBlobs = 16
	// workers verify and sync at once.
	workers = 4
)

// Batch keeps many blobs of one scope faster than one by one. Its methods are
// for one goroutine.
type Batch struct {
	dir   *os.Root
	packs *os.Root
	had   *View

	pack  *packWriter
	slab  *slab
	free  chan *slab
	tasks errgroup.Group
	// verifying are the slabs of the current pack.
	verifying *sync.WaitGroup

	mu  sync.Mutex
	bad error
}

// slab is contents, one after the other, and what they claim to be.
type slab struct {
	data   []byte
	claims []claim
}

type claim struct {
	digest string
	size   int
}

// Batch begins a batch; Close ends it.
func (d *Dir) Batch(scope string) (*Batch, error) {
	dir, err := d.makeScope(scope)
	if err != nil {
		return nil, err
	}
	b := &Batch{dir: dir, free: make(chan *slab, workers), verifying: new(sync.WaitGroup)}
	b.tasks.SetLimit(workers)
	if b.had, err = d.View(scope); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	if err := dir.Mkdir(packDir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, errors.Join(fmt.Errorf("make pack directory: %w", err), b.had.Close(), dir.Close())
	}
	if b.packs, err = dir.OpenRoot(packDir); err != nil {
		return nil, errors.Join(fmt.Errorf("open pack directory: %w", err), b.had.Close(), dir.Close())
	}
	return b, nil
}

// IndexBytes is the memory that the index of what was there takes.
func (b *Batch) IndexBytes() int64 { return b.had.IndexBytes() }

// Put keeps size bytes of r under their digest. It is there only after Close,
// and content that is not what the digest says is ErrMismatch then at the
// latest. A blob that was there before the batch is not read from r.
func (b *Batch) Put(ctx context.Context, digest string, size int64, r io.Reader) error {
	if err := valid(digest); err != nil {
		return err
	}
	if err := b.fault(); err != nil {
		return err
	}
	if has, err := b.had.Has(digest); err != nil || has {
		return err
	}
	if size > slabBytes {
		return b.putLarge(ctx, digest, size, r)
	}
	if b.slab != nil && len(b.slab.data)+int(size) > slabBytes {
		if err := b.dispatch(); err != nil {
			return err
		}
	}
	if b.slab == nil {
		b.slab = b.newSlab()
	}
	s := b.slab
	begin := len(s.data)
	s.data = s.data[:begin+int(size)]
	if _, err := io.ReadFull(contextReader{ctx, r}, s.data[begin:]); err != nil {
		s.data = s.data[:begin]
		return shortIsMismatch(digest, err)
	}
	s.claims = append(s.claims, claim{digest, int(size)})
	return nil
}

func shortIsMismatch(digest string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: %w", ErrMismatch, err)
	}
	return fmt.Errorf("write blob %s: %w", digest, err)
}

func (b *Batch) newSlab() *slab {
	select {
	case s := <-b.free:
		return s
	default:
		return &slab{data: make([]byte, 0, slabBytes)}
	}
}

// putLarge gives a blob its own file, made durable while the next one arrives.
func (b *Batch) putLarge(ctx context.Context, digest string, size int64, r io.Reader) error {
	t, err := writeTemp(ctx, b.dir, io.LimitReader(r, size))
	if err != nil {
		return fmt.Errorf("write blob %s: %w", digest, err)
	}
	if t.size != size || t.digest() != digest {
		return errors.Join(fmt.Errorf("blob %s: %w", digest, ErrMismatch), t.discard())
	}
	b.work(t.keep)
	return nil
}

// dispatch lets the slab be verified and written to the pack while the next one
// fills.
func (b *Batch) dispatch() error {
	if b.pack != nil && b.pack.size >= packBytes {
		b.seal()
	}
	if b.pack == nil {
		var err error
		if b.pack, err = newPackWriter(b.packs); err != nil {
			return fmt.Errorf("begin pack: %w", err)
		}
	}
	s, pack, done, offset := b.slab, b.pack, b.verifying, b.pack.size
	b.slab = nil
	pack.size += int64(len(s.data))
	done.Add(1)
	b.work(func() error {
		defer done.Done()
		_, err := pack.file.WriteAt(s.data, offset)
		if err == nil {
			b.verify(s, func(digest, content []byte) {
				pack.add(digest, offset, len(content))
			}, &offset)
		}
		s.data, s.claims = s.data[:0], s.claims[:0]
		select {
		case b.free <- s:
		default:
		}
		return err
	})
	return nil
}

// verify hands on those contents of a slab that are what they claim to be, and
// notes the first that is not. offset moves past each.
func (b *Batch) verify(s *slab, good func(digest, content []byte), offset *int64) {
	rest := s.data
	for _, c := range s.claims {
		content := rest[:c.size]
		rest = rest[c.size:]
		sum := sha256.Sum256(content)
		b.mu.Lock()
		if hex.EncodeToString(sum[:]) == c.digest {
			good(sum[:], content)
		} else if b.bad == nil {
			b.bad = fmt.Errorf("blob %s: %w", c.digest, ErrMismatch)
		}
		b.mu.Unlock()
		*offset += int64(c.size)
	}
}

// work does something beside; a panic in it is the batch's error.
func (b *Batch) work(do func() error) {
	b.tasks.Go(func() error { return panics.Do(do) })
}

func (b *Batch) fault() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bad
}

// seal finishes the pack while the next one fills.
func (b *Batch) seal() {
	pack, verified := b.pack, b.verifying
	b.pack, b.verifying = nil, new(sync.WaitGroup)
	b.work(func() error {
		verified.Wait()
		return pack.keep()
	})
}

// Close waits until what was put is durable. After a fault, the blobs that are
// right are kept all the same.
func (b *Batch) Close() error {
	err := b.finish()
	err = errors.Join(err, b.tasks.Wait(), b.fault(), syncDir(b.packs), syncDir(b.dir))
	return errors.Join(err, b.had.Close(), b.packs.Close(), b.dir.Close())
}

// finish writes what no slab was full of.
func (b *Batch) finish() error {
	if b.slab != nil {
		if b.pack == nil && len(b.slab.claims) <= fewBlobs {
			return b.keepFew()
		}
		if err := b.dispatch(); err != nil {
			return err
		}
	}
	if b.pack != nil {
		b.seal()
	}
	return nil
}

// keepFew gives each blob of the slab a file of its own.
func (b *Batch) keepFew() error {
	var offset int64
	b.verify(b.slab, func(_, content []byte) {
		b.work(func() error { return keepOne(b.dir, content) })
	}, &offset)
	return nil
}

// syncDir makes the names in a directory durable.
func syncDir(dir *os.Root) error {
	f, err := dir.Open(".")
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := f.Sync(); err != nil {
		return errors.Join(fmt.Errorf("sync directory: %w", err), f.Close())
	}
	return f.Close()
}
