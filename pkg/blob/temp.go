package blob

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
)

// temp is a file that has not got its name yet.
type temp struct {
	dir  *os.Root
	file *os.File
	name string
	hash hash.Hash
	size int64
}

func writeTemp(ctx context.Context, dir *os.Root, r io.Reader) (*temp, error) {
	t := &temp{dir: dir, name: tempPrefix + rand.Text(), hash: sha256.New()}
	var err error
	if t.file, err = dir.OpenFile(t.name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	t.size, err = io.Copy(io.MultiWriter(t.file, t.hash), contextReader{ctx, r})
	if err != nil {
		return nil, errors.Join(err, t.discard())
	}
	return t, nil
}

func (t *temp) digest() string { return hex.EncodeToString(t.hash.Sum(nil)) }

func (t *temp) discard() error { return errors.Join(t.file.Close(), t.dir.Remove(t.name)) }

// keep makes the content durable and gives it its name.
func (t *temp) keep() error {
	if err := t.file.Sync(); err != nil {
		return errors.Join(fmt.Errorf("sync blob: %w", err), t.discard())
	}
	if err := t.file.Close(); err != nil {
		return errors.Join(fmt.Errorf("close blob: %w", err), t.dir.Remove(t.name))
	}
	if err := t.dir.Rename(t.name, t.digest()); err != nil {
		return errors.Join(fmt.Errorf("name blob: %w", err), t.dir.Remove(t.name))
	}
	return nil
}

// keepOne gives content, which is verified, a file of its own.
func keepOne(dir *os.Root, content []byte) error {
	t, err := writeTemp(context.Background(), dir, bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("write blob: %w", err)
	}
	return t.keep()
}

// contextReader ends a copy when its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
