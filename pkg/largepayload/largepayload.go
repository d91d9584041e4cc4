// Package largepayload keeps payloads that are too large for a message: each is a file of its
// own task, below its project, and is held to its digest when it is read.
//
// Nothing is shared between tasks, so that a file goes when its task does, and nobody
// has to count who else refers to it.
package largepayload

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"fngen.dev/fngen/pkg/task"
)

// ErrGone is a payload that is not there, or is not what it was.
var ErrGone = errors.New("the payload is not there any more")

// tempPrefix begins the name of a file that is not whole. No id begins so.
const tempPrefix = "tmp-"

// Dir is a directory of payloads: <project>/<task>. It is safe for concurrent use.
type Dir struct{ root *os.Root }

// Open opens the directory and makes it when it is not there.
func Open(dir string) (*Dir, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of payloads: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the directory of payloads: %w", err)
	}
	return &Dir{root}, nil
}

// Close releases the directory.
func (d *Dir) Close() error { return d.root.Close() }

func dirOf(projectID int64) string { return strconv.FormatInt(projectID, 10) }

func pathOf(projectID int64, id string) (string, error) {
	if !task.ValidID(id) {
		return "", fmt.Errorf("%q is not the id of a task", id)
	}
	return path.Join(dirOf(projectID), id), nil
}

// Put keeps what r gives as the payload of a task. It is on the disk when Put returns.
func (d *Dir) Put(ctx context.Context, projectID int64, id string, r io.Reader) (task.Large, error) {
	name, err := pathOf(projectID, id)
	if err != nil {
		return task.Large{}, err
	}
	if err := d.root.MkdirAll(dirOf(projectID), 0o700); err != nil {
		return task.Large{}, fmt.Errorf("keep a payload: %w", err)
	}
	temp := path.Join(dirOf(projectID), tempPrefix+rand.Text())
	f, err := d.root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return task.Large{}, fmt.Errorf("keep a payload: %w", err)
	}
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, hash), contextReader{ctx, r})
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = d.root.Rename(temp, name)
	}
	if err != nil {
		return task.Large{}, errors.Join(err, d.root.Remove(temp))
	}
	return task.Large{SHA256: hex.EncodeToString(hash.Sum(nil)), Bytes: n}, d.syncDir(projectID)
}

// syncDir has the names of a project's payloads on the disk.
func (d *Dir) syncDir(projectID int64) error {
	f, err := d.root.Open(dirOf(projectID))
	if err != nil {
		return fmt.Errorf("keep a payload: %w", err)
	}
	return errors.Join(f.Sync(), f.Close())
}

// Open opens the payload of a task, or returns ErrGone. Whoever reads it holds it to its
// digest.
func (d *Dir) Open(projectID int64, id string, is task.Large) (*os.File, error) {
	name, err := pathOf(projectID, id)
	if err != nil {
		return nil, err
	}
	f, err := d.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrGone
	}
	if err != nil {
		return nil, fmt.Errorf("open a payload: %w", err)
	}
	if info, err := f.Stat(); err != nil || info.Size() != is.Bytes {
		return nil, errors.Join(ErrGone, err, f.Close())
	}
	return f, nil
}

// Read returns the payload of a task, or ErrGone.
func (d *Dir) Read(projectID int64, id string, is task.Large) ([]byte, error) {
	f, err := d.Open(projectID, id, is)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadAll(f, is)
}

// ReadAll reads a payload, and holds it to its digest.
func ReadAll(r io.Reader, is task.Large) ([]byte, error) {
	if is.Bytes > task.MaxLarge {
		return nil, fmt.Errorf("a payload of %d bytes: %w", is.Bytes, ErrGone)
	}
	data := make([]byte, is.Bytes)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, fmt.Errorf("read a payload: %w", err)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != is.SHA256 {
		return nil, fmt.Errorf("its bytes are others: %w", ErrGone)
	}
	return data, nil
}

// Remove removes the payload of a task, if it has one here.
func (d *Dir) Remove(projectID int64, id string) error {
	name, err := pathOf(projectID, id)
	if err != nil {
		return err
	}
	if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove a payload: %w", err)
	}
	return nil
}

// RemoveProject removes all payloads of a project.
func (d *Dir) RemoveProject(projectID int64) error {
	if err := d.root.RemoveAll(dirOf(projectID)); err != nil {
		return fmt.Errorf("remove the payloads of a project: %w", err)
	}
	return nil
}

// Bytes is what the payloads of a project take.
func (d *Dir) Bytes(projectID int64) (int64, error) {
	var total int64
	err := d.each(dirOf(projectID), func(info fs.FileInfo) error {
		total += info.Size()
		return nil
	})
	return total, err
}

// Sweep removes the payloads that are older than some time and whose tasks do not need
// them, and what was begun before it and never became whole. It returns how many went.
func (d *Dir) Sweep(before time.Time, needed func(projectID int64, id string) (bool, error)) (int, error) {
	dirs, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return 0, fmt.Errorf("sweep payloads: %w", err)
	}
	removed := 0
	var errs []error
	for _, dir := range dirs {
		projectID, err := strconv.ParseInt(dir.Name(), 10, 64)
		if err != nil {
			continue // nothing of ours
		}
		errs = append(errs, d.each(dir.Name(), func(info fs.FileInfo) error {
			if !info.ModTime().Before(before) {
				return nil
			}
			if !strings.HasPrefix(info.Name(), tempPrefix) {
				if keep, err := needed(projectID, info.Name()); err != nil || keep {
					return err
				}
			}
			removed++
			return d.root.Remove(path.Join(dir.Name(), info.Name()))
		}))
	}
	return removed, errors.Join(errs...)
}

// each calls f for every file of a directory; what is gone meanwhile is not there.
func (d *Dir) each(dir string, f func(fs.FileInfo) error) error {
	entries, err := fs.ReadDir(d.root.FS(), dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list payloads: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if err := f(info); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("sweep payload %s: %w", e.Name(), err)
		}
	}
	return nil
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
