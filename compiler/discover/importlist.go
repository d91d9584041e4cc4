package discover

import (
	"bytes"
	"regexp"
	"slices"

	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/python"
)

// Import is one that runs whenever its file is imported: it stands at the top level,
// in no block.
type Import struct {
	// Module is the dotted path as written; a relative one begins with its dots.
	Module string
	// Names are what is taken from it; nil for the module itself.
	Names []string
	Place literal.Place
}

// Imports are the imports of one file, and what it does that makes others find more
// than there is to see.
type Imports struct {
	List []Import
	// Path says that the file may change sys.path, Hooks that it may put modules into
	// sys.modules, or a finder before the others. Package says that it may change the
	// path of its own package.
	Path, Hooks, Package bool
}

// What may change the import system, or install something first.
var (
	pathWords    = []string{"sys.path", "path.insert(", "path.append(", "path.extend(", "addsitedir", "addpackage", "from sys import"}
	hookWords    = []string{"sys.modules.setdefault", "sys.modules.update", "meta_path", "path_hooks", "install_as_MySQLdb", "import_hook"}
	packageWords = []string{"__path__", "extend_path", "declare_namespace", "sys.modules"}

	// othersModule leaves out sys.modules[__name__], by which a module only looks for
	// itself.
	othersModule = regexp.MustCompile(`sys\.modules\[(?:[^_]|_[^_])`)
	runsPip      = regexp.MustCompile(`\bpip\W{1,6}install\b`)
)

func containsAny(src []byte, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return bytes.Contains(src, []byte(w)) })
}

// hooks reports whether a file may put modules where imports look for them.
func hooks(src []byte) bool {
	return containsAny(src, hookWords) ||
		bytes.Contains(src, []byte("sys.modules[")) && othersModule.Match(src) ||
		bytes.Contains(src, []byte("pip")) && bytes.Contains(src, []byte("install")) && runsPip.Match(src)
}

// ImportsOf lists the imports of a file. Those in a try, below an if or in a function
// are left out: the code may do without them.
func ImportsOf(file string, src []byte) Imports {
	s := newScanner(file, src)
	s.shallow = true
	var out Imports
	s.toldImport = func(i Import) { out.List = append(out.List, i) }
	s.scan(src)
	out.Path, out.Hooks, out.Package = containsAny(src, pathWords), hooks(src), containsAny(src, packageWords)
	return out
}

// Bound tells of a name whether a module binds it itself, or may: then "from module
// import name" does not look for a file of that name.
func Bound(file string, src []byte) func(name string) bool {
	if bytes.Contains(src, []byte("__getattr__")) || bytes.Contains(src, []byte("__path__")) {
		return func(string) bool { return true }
	}
	ns := NewModules(nil, nil).of(file, src)
	names, incomplete := ns.names, ns.incomplete
	return func(name string) bool {
		_, bound := names[name]
		return bound || incomplete
	}
}

// met tells of an import, when somebody asks for them and it is in no block.
func (s *scanner) met(module string, names []string, from, to python.Token) {
	if s.toldImport == nil || s.lazily || len(s.blocks) != 1 || s.blocks[0].kw != python.CodeNone {
		return
	}
	s.toldImport(Import{module, names, s.place(int(from.Start), int(to.End-from.Start))})
}
