package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/source/disk"
	"fngen.dev/fngen/compiler/source/index"
)

// walker reads the directories of a tree, several at a time. Each becomes a node
// of its own, so that the order in which they are read leaves no trace; the
// collector puts them together.
//
// Paths inside the walker start at the top of the repository that the tree lies
// in, so that a rule of any ignore file is matched against a piece of the path as
// it stands.
type walker struct {
	root string
	// prefix is what all paths start with: the way from the repository to the root.
	prefix string
	met    atomic.Int64 // entries, so far
	ships  atomic.Int64 // files of them that ship
}

// enough is when a walk gives up: a home directory pushed by mistake must not
// take minutes. Up to here the person is told which directories are too full.
const enough = 10 * MaxFiles

// node is a directory.
type node struct {
	// prefix is what the paths of its entries start with.
	prefix string
	state  state
	depth  int
	items  []item
	faults diag.List
	// builtIn, when set, is the rule that leaves the directory out whole.
	builtIn string
	// name says what is wrong with the name of the directory.
	name string
	// missing is a submodule that was never checked out.
	missing bool
}

// state is what a directory hands down to what it holds.
type state struct {
	repository           *repository
	git, ignore, include *layer
	// out is the git rule that leaves the directory out; in the include rule that
	// takes it back in.
	out, in rule
}

// item is an entry of a directory, and what became of it.
type item struct {
	path  string
	isDir bool
	child *node // of a directory that was read
	rule  rule
	why   why
	// builtIn is the rule when no file holds it.
	builtIn string
	ships   bool
	link    bool
	secret  bool
	stat    index.Stat // of a file that ships
}

// why says what kind of rule decided.
type why uint8

const (
	byDefault why = iota // no rule
	byRule
	byBuiltIn
	byTracked     // a git rule leaves it out, and git tracks it
	byCommandLine // it was named, or belongs to what was named
)

// walk reads the tree below the root.
func (w *walker) walk(ctx context.Context, root *node) error {
	todo := newPile(root)
	defer context.AfterFunc(ctx, todo.end)()
	var group errgroup.Group
	// Reading waits for the disk now and then, so more than one worker a processor.
	for range max(4, runtime.GOMAXPROCS(0)) {
		group.Go(func() error {
			list := new(disk.Listing)
			for n := todo.next(nil); n != nil; n = todo.next(n) {
				if w.ships.Load() > enough {
					continue
				}
				if err := w.read(n, list); err != nil {
					todo.end()
					return err
				}
			}
			return nil
		})
	}
	err := group.Wait()
	return cmp.Or(err, ctx.Err())
}

// shown is a path as people see it: relative to the root.
func (w *walker) shown(path string) string { return path[len(w.prefix):] }

func (w *walker) disk(path string) string {
	return filepath.Join(w.root, filepath.FromSlash(w.shown(path)))
}

// read fills a node, but for what lies deeper.
func (w *walker) read(n *node, list *disk.Listing) error {
	isRoot := n.prefix == w.prefix
	d, err := disk.OpenDirectory(w.disk(n.prefix))
	if err == nil {
		defer d.Close()
		err = d.List(list)
	}
	switch {
	case err != nil && isRoot:
		return fmt.Errorf("read directory: %w", err)
	case errors.Is(err, fs.ErrNotExist):
		return nil // removed since its parent was read
	case err != nil && !n.state.out.none() && n.state.in.none():
		return nil // it would only have been searched
	case err != nil:
		n.unreadable(w.shown(n.prefix), err)
		return nil
	case isRoot:
	case list.Has("pyvenv.cfg"):
		// A virtual environment works only where it was made.
		n.builtIn = "pyvenv.cfg"
		return nil
	default:
		if err := w.enterRepository(n, list); err != nil || n.builtIn != "" {
			return err
		}
	}
	if err := w.readRules(n, d, list); err != nil {
		return err
	}
	return w.entries(n, d, list)
}

// enterRepository is for a directory that may be the top of a repository of its
// own, such as a submodule. Its code is needed where the code around it runs, so
// it ships like any other directory, but by its own rules and its own index: git
// ends at the border of a repository too.
func (w *walker) enterRepository(n *node, list *disk.Listing) error {
	outer := n.state.repository
	dir := n.prefix[:len(n.prefix)-1]
	if len(list.Entries) == 0 {
		var err error
		n.missing, err = outer.tracksSubmodule(dir)
		return err
	}
	if _, met := list.Kind(".git"); !met || !n.state.out.none() {
		return nil
	}
	inner := repositoryAt(w.disk(n.prefix))
	if inner == nil {
		return nil
	}
	if outer != nil && inner.common == outer.common {
		n.builtIn = "git worktree" // the same project once more
		return nil
	}
	inner.cut = len(n.prefix)
	rules, err := w.outerRules(inner, inner.top)
	n.state.git, n.state.repository = rules, inner
	return err
}

// readRules adds the ignore files of the directory. Like git it follows no link
// there, and reads no rules in a directory that it ignores.
func (w *walker) readRules(n *node, d disk.Directory, list *disk.Listing) error {
	for _, f := range []struct {
		name   string
		onto   **layer
		wanted bool
	}{
		{".gitignore", &n.state.git, n.state.out.none()},
		{".fnignore", &n.state.ignore, true},
		{".fninclude", &n.state.include, true},
	} {
		if !f.wanted || !list.Has(f.name) {
			continue
		}
		data, err := d.ReadSmall(f.name, maxRules)
		if err != nil {
			return fmt.Errorf("read ignore rules: %s%w", w.shown(n.prefix), err)
		}
		*f.onto = (*f.onto).over(data, w.shown(n.prefix)+f.name, len(n.prefix))
	}
	return nil
}
