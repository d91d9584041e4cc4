package source

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"fngen.dev/fngen/compiler/diag"
)

const builtIn = "built-in"

// walker decides, in one pass over a directory, what ships.
type walker struct {
	root      string
	git       *layer // the rules from outside the tree
	tracked   tracked
	paths     []string
	size      int64 // of the files, as far as they were met
	decisions []Decision
	diags     diag.List
}

func newWalker(root string) (*walker, error) {
	git, err := outerRules(root)
	if err != nil {
		return nil, err
	}
	tracked, err := readTracked(root)
	if err != nil {
		return nil, err
	}
	return &walker{root: root, git: git, tracked: tracked}, nil
}

// state is what a directory hands down to what it holds.
type state struct {
	git, ignore, include *layer
	// out is the git rule that leaves the directory out; in the include rule that
	// takes it back in.
	out, in *hit
}

func (w *walker) walk(ctx context.Context) error {
	return w.dir(ctx, "", state{git: w.git})
}

func (w *walker) dir(ctx context.Context, dir string, st state) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(w.paths) > MaxFiles {
		return nil // refused as it is; a home directory pushed by mistake must not take minutes
	}
	entries, err := os.ReadDir(filepath.Join(w.root, filepath.FromSlash(dir)))
	if err != nil {
		if dir == "" {
			return fmt.Errorf("read directory: %w", err)
		}
		w.unreadable(dir+"/", err)
		return nil
	}
	if dir != "" && isVirtualEnv(entries) {
		w.decide(Decision{Path: dir + "/", Rule: "pyvenv.cfg", Source: builtIn})
		return nil
	}
	if st, err = w.readRules(dir, st); err != nil {
		return err
	}
	for _, e := range entries {
		if err := w.entry(ctx, path.Join(dir, e.Name()), e, st); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) readRules(dir string, st state) (state, error) {
	var err error
	if st.out == nil { // git reads no rules in a directory that it ignores
		if st.git, err = st.git.read(w.root, dir, ".gitignore"); err != nil {
			return st, err
		}
	}
	if st.ignore, err = st.ignore.read(w.root, dir, ".fnignore"); err != nil {
		return st, err
	}
	st.include, err = st.include.read(w.root, dir, ".fninclude")
	return st, err
}

func (w *walker) entry(ctx context.Context, p string, e fs.DirEntry, st state) error {
	isDir := e.IsDir()
	shown := p
	if isDir {
		shown += "/"
	}
	if rule := alwaysOut(e); rule != "" {
		w.decide(Decision{Path: shown, Rule: rule, Source: builtIn})
		return nil
	}
	if h := st.ignore.last(p, isDir); h != nil && !h.negated {
		w.decide(h.decision(shown))
		return nil
	}
	if h := st.include.last(p, isDir); h != nil {
		st.in = h
		if h.negated {
			st.in = nil
		}
	}
	var kept *hit // a negated git rule
	if st.out == nil {
		if h := st.git.last(p, isDir); h != nil && h.negated {
			kept = h
		} else {
			st.out = h
		}
	}
	if isDir {
		if st.out != nil && st.in == nil && !st.include.mayMatchBelow(p) && !w.tracked.below(p) {
			w.decide(st.out.decision(shown))
			return nil
		}
		return w.subdir(ctx, p, st)
	}
	w.file(p, kept, st)
	return nil
}

// subdir walks a directory. One that git ignores, and in which no include rule
// found anything, is one decision, as if it had not been searched.
func (w *walker) subdir(ctx context.Context, p string, st state) error {
	before, included := len(w.decisions), len(w.paths)
	if err := w.dir(ctx, p, st); err != nil {
		return err
	}
	if st.out != nil && len(w.paths) == included {
		w.decisions = append(w.decisions[:before], st.out.decision(p+"/"))
	}
	return nil
}

func (w *walker) file(p string, kept *hit, st state) {
	switch {
	case st.out != nil && w.tracked.has(p):
		w.include(p, Decision{Path: p, Rule: "tracked", Source: "git index"})
	case st.out != nil && st.in == nil:
		w.decide(st.out.decision(p))
	case st.out != nil:
		if looksSecret(path.Base(p)) {
			w.warnSecret(p, st.in)
		}
		w.include(p, st.in.decision(p))
	case kept != nil:
		w.include(p, kept.decision(p))
	default:
		w.include(p, Decision{Path: p})
	}
}

func (w *walker) decide(d Decision) { w.decisions = append(w.decisions, d) }

func (w *walker) include(p string, d Decision) {
	d.Included = w.addFile(p)
	w.decide(d)
}

// alwaysOut names the built-in rule that leaves an entry out, or is empty. These
// are never of use where the code runs; no .fninclude brings them back.
func alwaysOut(e fs.DirEntry) string {
	switch name := e.Name(); {
	case name == ".git":
		return ".git"
	case e.IsDir() && (name == ".fngen" || name == "__pycache__"):
		return name + "/"
	case !e.IsDir() && strings.HasSuffix(name, ".pyc"):
		return "*.pyc"
	}
	return ""
}

// isVirtualEnv recognises a virtual environment, which works only where it was
// made.
func isVirtualEnv(entries []fs.DirEntry) bool {
	for _, e := range entries {
		if e.Name() == "pyvenv.cfg" && e.Type().IsRegular() {
			return true
		}
	}
	return false
}
