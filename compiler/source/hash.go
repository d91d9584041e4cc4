package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// finish checks the files as a whole and hashes them.
func (w *walker) finish(ctx context.Context, entry string) (*Scanned, error) {
	slices.Sort(w.paths)
	w.paths = slices.Compact(w.paths)
	w.checkCollisions()
	m := Manifest{Files: []File{}}
	if w.checkLimits() {
		files, err := w.hash(ctx)
		if err != nil {
			return nil, err
		}
		m.Files = files
	}
	slices.SortStableFunc(w.decisions, func(a, b Decision) int { return strings.Compare(a.Path, b.Path) })
	return &Scanned{
		Tree: Tree{Manifest: m, FS: os.DirFS(w.root)}, Root: w.root, Entry: entry,
		Decisions: w.decisions, Diagnostics: w.diags.Sorted(),
	}, nil
}

// hash reads every file once. A file that cannot be read is a fault of its own,
// and the others are still hashed.
func (w *walker) hash(ctx context.Context) ([]File, error) {
	files := make([]File, len(w.paths))
	errs := make([]error, len(w.paths))
	group, ctx := errgroup.WithContext(ctx)
	workers := runtime.GOMAXPROCS(0)
	var next sync.Mutex
	i := 0
	take := func() int {
		next.Lock()
		defer next.Unlock()
		i++
		return i - 1
	}
	for range workers {
		group.Go(func() error {
			buf := make([]byte, 128<<10)
			for n := take(); n < len(files); n = take() {
				if err := ctx.Err(); err != nil {
					return err
				}
				files[n], errs[n] = w.hashFile(w.paths[n], buf)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("hash files: %w", err)
	}
	good := files[:0]
	for n, err := range errs {
		if err != nil {
			w.unreadable(w.paths[n], err)
			continue
		}
		good = append(good, files[n])
	}
	return good, nil
}

func (w *walker) hashFile(p string, buf []byte) (File, error) {
	f, err := os.Open(w.disk(p))
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return File{}, err
	}
	h := sha256.New()
	// onlyReader keeps io.CopyBuffer to our buffer: os.File would bring its own.
	n, err := io.CopyBuffer(h, onlyReader{f}, buf)
	if err != nil {
		return File{}, err
	}
	return File{
		Path: p, Executable: info.Mode()&0o100 != 0, Size: n,
		SHA256: hex.EncodeToString(h.Sum(nil)),
	}, nil
}

type onlyReader struct{ io.Reader }
