package dev

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// quiet is how long nothing may change before a change is told: an editor writes a
// file in several steps, and a checkout many files.
const quiet = 50 * time.Millisecond

// unwatched are directories in which nothing is code of the tree.
var unwatched = []string{".git", ".fngen", "__pycache__", "node_modules", ".venv", "venv", ".mypy_cache", ".pytest_cache", ".ruff_cache"}

// Serves reports whether a change of a file may be one of what is served: it is not one
// that a program writes as it runs.
func Serves(path string) bool {
	for _, ending := range []string{".db", ".sqlite", ".sqlite3", "-journal", "-wal", "-shm", ".log", ".tmp", ".pyc", "~", ".swp"} {
		if strings.HasSuffix(path, ending) {
			return false
		}
	}
	return true
}

// watch tells of changes below root until ctx ends. Changes that come together are
// told once.
func watch(ctx context.Context, root string) (<-chan struct{}, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", err)
	}
	if err := watchBelow(w, root); err != nil {
		_ = w.Close()
		return nil, fmt.Errorf("watch files: %w", err)
	}
	out := make(chan struct{}, 1)
	go func() {
		defer w.Close()
		tell(ctx, w, out)
	}()
	return out, nil
}

func tell(ctx context.Context, w *fsnotify.Watcher, out chan<- struct{}) {
	var settled <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-w.Events:
			if !ok {
				return
			}
			if e.Op == fsnotify.Chmod || !Serves(e.Name) || slices.Contains(unwatched, filepath.Base(e.Name)) {
				continue
			}
			if e.Has(fsnotify.Create) {
				_ = watchBelow(w, e.Name) // it may be gone again, or be a file
			}
		case <-w.Errors: // too many events at once: something has changed
		case <-settled:
			settled = nil
			select {
			case out <- struct{}{}:
			default: // one is waiting to be seen
			}
			continue
		}
		if settled == nil { // and not later for those that follow, which may never end
			settled = time.After(quiet)
		}
	}
}

// watchBelow watches a directory and all below it.
func watchBelow(w *fsnotify.Watcher, dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && path == dir:
			return err
		case err != nil || !d.IsDir():
			return nil
		case path != dir && slices.Contains(unwatched, d.Name()):
			return fs.SkipDir
		}
		return w.Add(path)
	})
}
