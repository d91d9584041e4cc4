package source

import (
	"bytes"
	"io/fs"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/source/disk"
)

// entries decides about all that a directory holds, in the order in which whole
// paths sort: a directory as if its name ended in a slash.
func (w *walker) entries(n *node, d disk.Directory, list *disk.Listing) error {
	slices.SortFunc(list.Entries, func(a, b disk.Entry) int { return compare(list.Name(a), a.Kind, list.Name(b), b.Kind) })
	// One piece of memory holds all paths.
	var all strings.Builder
	all.Grow(list.Bytes() + len(list.Entries)*len(n.prefix))
	n.items = make([]item, 0, len(list.Entries))
	w.met.Add(int64(len(list.Entries)))
	for _, e := range list.Entries {
		from := all.Len()
		all.WriteString(n.prefix)
		all.Write(list.Name(e))
		it := item{path: all.String()[from:], isDir: e.Kind.IsDir()}
		var err error
		if it.isDir {
			err = w.subdirectory(n, &it)
		} else {
			err = w.file(n, d, &it, e.Kind)
		}
		if err != nil {
			return err
		}
		if it.path != "" {
			n.items = append(n.items, it)
		}
	}
	return nil
}

func compare(a []byte, aKind fs.FileMode, b []byte, bKind fs.FileMode) int {
	shorter := min(len(a), len(b))
	if c := bytes.Compare(a[:shorter], b[:shorter]); c != 0 {
		return c
	}
	return int(after(a, shorter, aKind)) - int(after(b, shorter, bKind))
}

// after is the byte at i of a name with its slash.
func after(name []byte, i int, kind fs.FileMode) byte {
	switch {
	case i < len(name):
		return name[i]
	case kind.IsDir():
		return '/'
	}
	return 0
}

// apply finds the rules for an entry. It reports false when a rule that nothing
// takes back has decided.
func apply(st *state, it *item, name string, isDir bool) (kept rule, undecided bool) {
	if it.builtIn = alwaysOut(name, isDir); it.builtIn != "" {
		it.why = byBuiltIn
		return rule{}, false
	}
	if r := st.ignore.last(it.path, isDir); !r.none() && !r.negated() {
		it.rule, it.why = r, byRule
		return rule{}, false
	}
	if r := st.include.last(it.path, isDir); !r.none() {
		st.in = r
		if r.negated() {
			st.in = rule{}
		}
	}
	if st.out.none() {
		if r := st.git.last(it.path, isDir); r.negated() {
			kept = r
		} else {
			st.out = r
		}
	}
	return kept, true
}

func (w *walker) subdirectory(n *node, it *item) error {
	st := n.state
	name := it.path[len(n.prefix):]
	if _, undecided := apply(&st, it, name, true); !undecided {
		return nil
	}
	if !st.out.none() {
		submodule, err := st.repository.tracksSubmodule(it.path)
		if err != nil {
			return err
		}
		if submodule {
			st.out = rule{}
		}
	}
	if !st.out.none() && st.in.none() && !st.include.mayMatchBelow(it.path) {
		below, err := st.repository.tracksBelow(it.path)
		if err != nil {
			return err
		}
		if !below {
			it.rule, it.why = st.out, byRule
			return nil
		}
	}
	it.child = &node{prefix: it.path + "/", state: st, depth: n.depth + 1, name: badName(name)}
	return nil
}

func (w *walker) file(n *node, d disk.Directory, it *item, kind fs.FileMode) error {
	st := n.state
	name := it.path[len(n.prefix):]
	kept, undecided := apply(&st, it, name, false)
	if !undecided {
		return nil
	}
	switch {
	case st.out.none() && kept.none():
		it.why = byDefault
	case st.out.none():
		it.rule, it.why = kept, byRule
	default:
		tracked, err := st.repository.tracks(it.path)
		if err != nil {
			return err
		}
		switch {
		case tracked:
			it.rule, it.why = st.out, byTracked
		case st.in.none():
			it.rule, it.why = st.out, byRule
			return nil
		default:
			it.rule, it.why = st.in, byRule
		}
	}
	w.check(n, d, it, name, kind)
	return nil
}

// alwaysOut names the built-in rule that leaves an entry out, or is empty. These
// are never of use where the code runs; no .fninclude brings them back.
func alwaysOut(name string, isDir bool) string {
	switch {
	case name == ".git":
		return ".git"
	case isDir && (name == ".fngen" || name == "__pycache__"):
		return name + "/"
	case !isDir && strings.HasSuffix(name, ".pyc"):
		return "*.pyc"
	}
	return ""
}
