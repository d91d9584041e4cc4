package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sync/errgroup"
)

// syncs is how many blobs of a batch become durable at once. A disk commits many
// in the time of one, and small files are most of a tree.
const syncs = 16

// Batch keeps many blobs of one scope faster than one by one. Its methods are
// for one goroutine.
type Batch struct {
	dir   *os.Root
	group errgroup.Group
}

// Batch begins a batch; Close ends it.
func (d *Dir) Batch(scope string) (*Batch, error) {
	dir, err := d.makeScope(scope)
	if err != nil {
		return nil, err
	}
	b := &Batch{dir: dir}
	b.group.SetLimit(syncs)
	return b, nil
}

// Put is that of Dir, but the blob is there only after Close.
func (b *Batch) Put(ctx context.Context, digest string, size int64, r io.Reader) error {
	if err := valid(digest); err != nil {
		return err
	}
	if _, err := b.dir.Lstat(digest); err == nil {
		return nil
	}
	// One byte more shows content that is too long.
	t, err := writeTemp(ctx, b.dir, io.LimitReader(r, size+1))
	if err != nil {
		return fmt.Errorf("write blob %s: %w", digest, err)
	}
	if t.size != size || t.digest() != digest {
		return errors.Join(fmt.Errorf("blob %s: %w", digest, ErrMismatch), t.discard())
	}
	b.group.Go(t.keep)
	return nil
}

// Close waits until what was put is durable. After a Put that failed, the blobs
// before it are kept all the same.
func (b *Batch) Close() error {
	return errors.Join(b.group.Wait(), b.dir.Close())
}
