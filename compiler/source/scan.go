package source

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	// Diagnostics are about files that cannot ship, or should not.
	Diagnostics diag.List
	// Hashed counts the files that were read for their digest; that of the others
	// was remembered.
	Hashed int

	later later
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

// Options say how to scan.
type Options struct {
	// ListOnly finds the files and reads none: they have no SHA256, and one that
	// cannot be read is not noticed.
	ListOnly bool
	// Indexes is a directory in which digests are remembered from scan to scan, so
	// that an unchanged tree is not read; empty remembers nothing.
	Indexes string
	// Later leaves files of so many bytes or more unread when their digest is not
	// remembered, so that who sends them reads them only once: see Unread. 0 reads
	// all.
	Later int64
}

// Scan finds the files that ship from path, a directory or one .py file, and
// hashes them. The error is for paths that cannot be read at all; what is wrong
// with single files is in Diagnostics.
//
// A file that git tracks ships although a git rule ignores it, as in git. A
// repository inside the tree ships too, by its own rules.
//
// A .py file inside a package stands for the tree that the package is imported
// from. Any other .py file stands for itself and the files beside it that say
// how to run it.
func Scan(ctx context.Context, path string, o Options) (*Scanned, error) {
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
		return scanDir(ctx, abs, "", o)
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
		return scanFile(ctx, root, entry, o)
	}
	return scanDir(ctx, root, entry, o)
}

func scanDir(ctx context.Context, root, entry string, o Options) (*Scanned, error) {
	w := &walker{root: root}
	top := &node{}
	if r := repositoryOf(root); r != nil {
		rel, err := filepath.Rel(r.top, root)
		if err != nil {
			return nil, fmt.Errorf("resolve path: %w", err)
		}
		if rel != "." {
			w.prefix = filepath.ToSlash(rel) + "/"
		}
		top.state.repository = r
		if top.state.git, err = w.outerRules(r, root); err != nil {
			return nil, err
		}
	}
	top.prefix = w.prefix
	if err := w.walk(ctx, top); err != nil {
		return nil, err
	}
	return w.finish(ctx, top, entry, o)
}

// finish puts together what was found, checks it as a whole and hashes it.
func (w *walker) finish(ctx context.Context, top *node, entry string, o Options) (*Scanned, error) {
	c := &collector{w: w, files: make([]*item, 0, w.ships.Load()), decisions: make([]Decision, 0, w.met.Load())}
	c.node(top)
	if entry != "" {
		c.forceEntry(top, entry)
	}
	m := Manifest{Files: []File{}}
	if c.checkLimits(top) {
		c.warn()
		var err error
		if m.Files, err = c.manifest(ctx, o); err != nil {
			return nil, err
		}
	} else if w.ships.Load() > enough {
		c.decisions = nil // those of a walk that was broken off
	}
	return &Scanned{
		Tree: Tree{Manifest: m, FS: os.DirFS(w.root)}, Root: w.root, Entry: entry,
		Decisions: c.decisions, Diagnostics: c.diags.Sorted(), Hashed: c.hashed, later: laterOf(c, o.Indexes),
	}, nil
}

// manifest lists the files that ship, with their digests where they are wanted.
func (c *collector) manifest(ctx context.Context, o Options) ([]File, error) {
	if !o.ListOnly {
		return c.hash(ctx, o)
	}
	files := make([]File, len(c.files))
	for i, it := range c.files {
		files[i] = File{Path: c.w.shown(it.path), Executable: it.stat.Mode&0o100 != 0, Size: it.stat.Size}
	}
	return files, nil
}

// forceEntry ships the file that was named on the command line whatever the
// rules say.
func (c *collector) forceEntry(top *node, entry string) {
	at, met := slices.BinarySearchFunc(c.decisions, entry, func(d Decision, path string) int { return strings.Compare(d.Path, path) })
	if met && c.decisions[at].Included {
		return
	}
	n := &node{prefix: top.prefix}
	c.w.name(n, entry, entry)
	if !met {
		c.decisions = slices.Insert(c.decisions, at, Decision{})
	}
	it := &n.items[0]
	c.decisions[at] = c.w.decision(it)
	c.diags = append(c.diags, n.faults...)
	if it.ships {
		at, _ := slices.BinarySearchFunc(c.files, it.path, byPath)
		c.files = slices.Insert(c.files, at, it)
		c.size += it.stat.Size
	}
}
