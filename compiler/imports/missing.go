// Package imports holds the imports of a tree against what is there: its own
// files, what was installed for it, and the standard library.
//
// Nothing is run. What cannot be known is let pass, since a false alarm would stop
// a push that is right: imports in a try, below an if or in a function; all of them,
// when a file that is imported, or a .pth file, may change how imports are found.
package imports

import (
	"maps"
	"path"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/discover"
	"fngen.dev/fngen/compiler/installed"
	"fngen.dev/fngen/compiler/source"
)

// Input is one tree, and what it runs with.
type Input struct {
	Tree source.Tree
	// Files are those of the functions.
	Files []string
	// Python is the language version, such as "3.11".
	Python    string
	Installed installed.Modules
	// Requirements are the files that say what is installed, Provided what the platform
	// installs without any.
	Requirements, Provided []string
}

// Bounds for a hostile tree.
const (
	maxFiles = 20_000
	maxShown = 50
	maxNotes = 3
)

// Missing reports the modules that nothing has, each once, sorted by place.
func Missing(in Input) diag.List {
	if in.Installed.Open {
		return nil
	}
	c := &checker{in: in, layout: layoutOf(in.Tree.Manifest), minor: minor(in.Python), inits: map[string]packageCode{}, seen: map[string]bool{}}
	c.followAll()
	return c.report()
}

// followAll reads the given files, and all of the tree that they import.
func (c *checker) followAll() {
	for _, file := range c.in.Files {
		c.roots = c.layout.roots(file)
		c.follow(file)
		for len(c.queue) > 0 && len(c.seen) < maxFiles {
			next := c.queue[0]
			c.queue = c.queue[1:]
			c.file(next)
		}
	}
}

type checker struct {
	in     Input
	layout layout
	minor  int
	inits  map[string]packageCode
	roots  []string
	queue  []string
	seen   map[string]bool
	lacks  []lack
	// path and hooks say that a file that is imported may change sys.path, or put
	// modules there that no file has.
	path, hooks bool
}

func (c *checker) follow(file string) {
	if !c.seen[file] {
		c.seen[file] = true
		c.queue = append(c.queue, file)
	}
}

func (c *checker) file(file string) {
	src, err := source.ReadText(c.in.Tree.FS, file)
	if err != nil || len(src) > discover.MaxSource {
		return
	}
	found := discover.ImportsOf(file, src)
	c.path, c.hooks = c.path || found.Path, c.hooks || found.Hooks
	for _, i := range found.List {
		if strings.HasPrefix(i.Module, ".") {
			c.relative(file, i)
		} else {
			c.absolute(i)
		}
	}
}

// absolute looks for a module as Python does: in the tree, then in the layer, then
// in the standard library, whose modules may be there already.
func (c *checker) absolute(i discover.Import) {
	parts := strings.Split(i.Module, ".")
	if parts[0] == "fngen" || c.inStandard(parts[0]) {
		return
	}
	lacks := c.in.Installed.Lacks(i.Module)
	for _, root := range c.roots {
		kind, _ := c.layout.at(path.Join(root, parts[0]))
		if kind == nothing {
			continue
		}
		if kind == directory && lacks == "" {
			return // a package that is installed goes before a mere directory
		}
		// A directory without code may go on in another place of the same name.
		sure := lacks == parts[0] && (kind != directory || len(c.roots) == 1)
		c.inside(walk{root: root, parts: parts, names: i, sure: sure})
		return
	}
	if lacks != "" {
		c.lack(lacks, false, i)
	}
}

// relative looks for what stands beside the file.
func (c *checker) relative(file string, i discover.Import) {
	name := strings.TrimLeft(i.Module, ".")
	dir := path.Dir(file)
	for range len(i.Module) - len(name) - 1 {
		if dir == "." {
			return // above the root
		}
		dir = path.Dir(dir)
	}
	if dir == "." {
		return // a module of no package: it depends on how it is run
	}
	if name == "" {
		c.names(dir, i.Names)
		return
	}
	prefix := strings.TrimPrefix(dir+"/", "src/")
	c.inside(walk{root: dir, prefix: strings.ReplaceAll(prefix, "/", "."), parts: strings.Split(name, "."), names: i, sure: true})
}

// walk is a dotted path to follow from a directory of the tree.
type walk struct {
	root, prefix string
	parts        []string
	names        discover.Import
	// sure says that nothing but the tree can have it.
	sure bool
}

func (c *checker) inside(w walk) {
	at := w.root
	for n, part := range w.parts {
		dir := at
		at = path.Join(at, part)
		kind, file := c.layout.at(at)
		switch kind {
		case opaque:
			return
		case nothing:
			if w.sure && !c.code(path.Join(dir, "__init__.py")).makes {
				c.lack(w.prefix+strings.Join(w.parts[:n+1], "."), true, w.names)
			}
			return
		case module:
			c.follow(file)
			return
		case pack:
			c.follow(file)
		}
	}
	c.names(at, w.names.Names)
}

// names follows those of "from package import names" that are files.
func (c *checker) names(dir string, names []string) {
	init := c.code(path.Join(dir, "__init__.py"))
	for _, name := range names {
		if kind, file := c.layout.at(path.Join(dir, name)); (kind == module || kind == pack) && !init.binds(name) {
			c.follow(file)
		}
	}
}

// packageCode is what matters of an __init__.py: which names it may bind, and whether
// it may make modules that no file has.
type packageCode struct {
	binds func(name string) bool
	makes bool
}

// code reads an __init__.py, once.
func (c *checker) code(file string) packageCode {
	if known, ok := c.inits[file]; ok {
		return known
	}
	code := packageCode{binds: func(string) bool { return false }}
	if c.layout.files[file] {
		src, err := source.ReadText(c.in.Tree.FS, file)
		if err != nil || len(src) > discover.MaxSource {
			code = packageCode{func(string) bool { return true }, true}
		} else {
			code = packageCode{discover.Bound(file, src), discover.ImportsOf(file, src).Package}
		}
	}
	c.inits[file] = code
	return code
}

// inStandard reports whether the standard library of the project's Python has a
// module.
func (c *checker) inStandard(name string) bool {
	if !standard[name] || since[name] > c.minor {
		return false
	}
	gone := until[name]
	return gone == 0 || c.minor < gone || name == "distutils" && c.in.Installed.Lacks("setuptools") == ""
}

// Reached are the files of the tree that those of the input import, and these
// themselves, sorted. Installed modules do not matter for it.
func Reached(in Input) []string {
	in.Installed = installed.Modules{Open: true}
	c := &checker{in: in, layout: layoutOf(in.Tree.Manifest), minor: minor(in.Python), inits: map[string]packageCode{}, seen: map[string]bool{}}
	c.followAll()
	return slices.Sorted(maps.Keys(c.seen))
}
