package discover

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/python"
)

// bindAll binds what a star brings in from a module of the tree.
func (s *scanner) bindAll(module string) {
	m := s.modules
	file := m.moduleFile(s.out.File, module)
	if file == "" {
		s.incomplete = s.incomplete || !m.inTree(s.out.File, module)
		return
	}
	if m.depth >= maxDepth {
		s.incomplete = true
		return
	}
	m.depth++
	ns := m.namespace(file)
	m.depth--
	s.incomplete = s.incomplete || ns.incomplete
	for _, name := range ns.public() {
		if m.copied++; m.copied > maxCopied {
			return
		}
		s.bind(name, module+"."+name)
	}
}

// public are the names that a star takes, sorted: those of __all__ where it can
// be read, else all without an underscore in front.
func (ns *namespace) public() []string {
	if ns.exportsKnown {
		return ns.exportNames
	}
	if ns.visible != nil {
		return ns.visible
	}
	var out []string
	for name := range ns.names {
		if !strings.HasPrefix(name, "_") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	if ns.done {
		ns.visible = out
	}
	return out
}

// changed notes a call such as NAME.append(...), which leaves NAME without the
// value that it was given.
func (s *scanner) changed(toks []python.Token) {
	if s.all && len(toks) > 3 && toks[0].Kind == python.Name && s.is(toks[1], ".") {
		s.notConstant(s.name(toks[0]), toks[0])
	}
}

// exported reads what a statement does to __all__.
func (s *scanner) exported(toks []python.Token) {
	s.changed(toks)
	if !s.all || !s.is(toks[0], "__all__") || len(toks) < 3 || !s.atModuleLevel() {
		return
	}
	names, known := s.exportNames, s.exportsKnown
	s.exportsKnown = false
	switch {
	case s.is(toks[1], "="), s.is(toks[1], ":"):
		i := slices.IndexFunc(toks, func(t python.Token) bool { return s.is(t, "=") })
		if i < 0 {
			return
		}
		s.exportNames, s.exportsKnown = s.texts(toks[i+1:])
	case !known:
	case s.is(toks[1], "+="):
		more, ok := s.texts(toks[2:])
		s.exportNames, s.exportsKnown = append(names, more...), ok
	case s.is(toks[1], ".") && len(toks) > 4 && (s.is(toks[2], "extend") || s.is(toks[2], "append")):
		more, ok := s.texts(toks[3:])
		s.exportNames, s.exportsKnown = append(names, more...), ok
	}
}

// texts reads a list or tuple of strings, or one string.
func (s *scanner) texts(toks []python.Token) ([]string, bool) {
	v, refused := s.literal(toks)
	switch {
	case refused != nil:
		return nil, false
	case v.Kind == literal.Str:
		return []string{v.Str}, true
	case v.Kind != literal.List && v.Kind != literal.Tuple:
		return nil, false
	}
	var out []string
	for _, item := range v.Items {
		if item.Kind != literal.Str {
			return nil, false
		}
		out = append(out, item.Str)
	}
	return out, true
}

// inTree reports whether a module would be part of the tree, so that one which is
// not there is nowhere.
func (m *Modules) inTree(file, module string) bool {
	first, _, _ := strings.Cut(module, ".")
	for _, root := range m.roots(file) {
		dir := path.Join(root, first)
		if first == "" || m.dirs[dir] || m.files[dir+".py"] {
			return true
		}
	}
	return false
}

// moduleFile is the file of a module as file imports it, or empty.
func (m *Modules) moduleFile(file, module string) string {
	if module == "" {
		return ""
	}
	for _, root := range m.roots(file) {
		if f := m.fileOf(path.Join(root, strings.ReplaceAll(module, ".", "/"))); f != "" {
			return f
		}
	}
	return ""
}

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
