package source

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"fngen.dev/fngen/compiler/diag"
)

// Scanned is a tree as found on a disk.
type Scanned struct {
	Tree
	// Root is the absolute path of the directory that the paths are relative to.
	Root string
	// Entry is the file that was asked for, relative to Root; empty when a
	// directory was.
	Entry string
	// Decisions say of every file met, and of every directory left out whole,
	// which rule decided. Sorted by path.
	Decisions []Decision
	// Diagnostics are about files that cannot ship.
	Diagnostics diag.List
}

// Decision is what became of one path.
type Decision struct {
	// Path is relative to the root; a directory left out whole ends in a slash.
	Path     string `json:"path"`
	Included bool   `json:"included"`
	// Rule is the pattern that decided, as written; empty when none did.
	Rule string `json:"rule"`
	// Source is the file that holds the rule, relative to the root, or "built-in",
	// "git index" or "command line".
	Source string `json:"source"`
	Line   int    `json:"line"`
}

// Scan finds the files that ship from path, a directory or one .py file, and
// hashes them. The error is for paths that cannot be read at all; what is wrong
// with single files is in Diagnostics.
//
// A file that git tracks ships although a git rule ignores it, as in git. A
// repository inside the tree ships like any other directory.
//
// A .py file inside a package stands for the tree that the package is imported
// from. Any other .py file stands for itself and the files beside it that say
// how to run it.
func Scan(ctx context.Context, path string) (*Scanned, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("resolve path: %w", err)
	}
	// A root that is itself a link is fine: only links inside the tree matter.
	abs, err = filepath.EvalSymlinks(abs)
	if err != nil {
		return nil, fmt.Errorf("read path: %w", err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return nil, fmt.Errorf("read path: %w", err)
	}
	switch {
	case info.IsDir():
		return scanDir(ctx, abs, "")
	case !info.Mode().IsRegular() || !strings.HasSuffix(abs, ".py"):
		return nil, fmt.Errorf("%s is neither a directory nor a .py file", path)
	}
	root, inPackage := importRoot(filepath.Dir(abs))
	entry, err := filepath.Rel(root, abs)
	if err != nil {
		return nil, fmt.Errorf("resolve path: %w", err)
	}
	entry = filepath.ToSlash(entry)
	if !inPackage {
		return scanFile(ctx, root, entry)
	}
	return scanDir(ctx, root, entry)
}

func scanDir(ctx context.Context, root, entry string) (*Scanned, error) {
	w, err := newWalker(root)
	if err != nil {
		return nil, err
	}
	if err := w.walk(ctx); err != nil {
		return nil, err
	}
	if entry != "" {
		w.forceEntry(entry)
	}
	return w.finish(ctx, entry)
}

// forceEntry ships the file that was named on the command line whatever the
// rules say.
func (w *walker) forceEntry(entry string) {
	for i := range w.decisions {
		if d := &w.decisions[i]; d.Path == entry {
			if !d.Included {
				*d = Decision{Path: entry, Included: true, Rule: entry, Source: "command line"}
				w.addFile(entry)
			}
			return
		}
	}
	w.include(entry, Decision{Path: entry, Rule: entry, Source: "command line"})
}
