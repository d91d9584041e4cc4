package discover

import (
	"path"
	"strconv"
	"strings"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/literal"
)

// Modules follows names from file to file of one tree. A file is read when a
// name leads there, and once. It is not for concurrent use.
type Modules struct {
	files map[string]bool
	dirs  map[string]bool
	read  func(file string) ([]byte, error)
	known map[string]*namespace
	// depth counts stars that lead to stars, copied the names that they brought.
	depth, copied int
}

// namespace is what the module-level names of one file stand for at its end.
type namespace struct {
	*scanner
	names map[string]string
	// visible are the names without an underscore, once the file is done.
	visible []string
	done    bool
}

// Bounds for a hostile tree; nothing real comes near.
const (
	maxHops   = 64
	maxDepth  = 64
	maxCopied = 1 << 20
)

// NewModules takes the paths of all Python files of a tree.
func NewModules(files []string, read func(file string) ([]byte, error)) *Modules {
	m := &Modules{files: map[string]bool{}, dirs: map[string]bool{}, read: read, known: map[string]*namespace{}}
	for _, f := range files {
		m.files[f] = true
		for dir := path.Dir(f); dir != "." && !m.dirs[dir]; dir = path.Dir(dir) {
			m.dirs[dir] = true
		}
	}
	return m
}

// Concerns reports whether a file must be read again to know what its decorators
// and constants stand for.
func (m *Modules) Concerns(file *Module) bool {
	for _, p := range file.Decorators {
		if m.power(file.File, p) != "" {
			return true
		}
	}
	return len(file.Constants) > 0 && len(file.Uses) > 0
}

// Again reads a file a second time, its imports known.
func (m *Modules) Again(file string, src []byte) *Module {
	s := newScanner(file, src)
	s.modules, s.all = m, true
	s.scan(src)
	return s.out
}

// power is the path of fngen's that a path, as file imports it, leads to.
func (m *Modules) power(file, dotted string) string {
	if end := m.follow(file, dotted); isFngen(end.path) {
		return end.path
	}
	return ""
}

// end is where a path leads: out of the tree, or to a name that is made in a
// module of it.
type end struct {
	path string // the last path, out of the tree or the module's
	at   *namespace
	name string
}

// follow goes from import to import until a name is no import any more.
func (m *Modules) follow(file, dotted string) end {
	met := map[string]bool{}
	for range maxHops {
		if isFngen(dotted) {
			return end{path: dotted}
		}
		next, ns, found := m.hop(file, dotted, met)
		if !found || ns == nil {
			return end{path: dotted}
		}
		if next == "" {
			_, name := splitLast(dotted)
			return end{path: dotted, at: ns, name: name}
		}
		file, dotted = ns.out.File, next
	}
	return end{path: dotted}
}

func splitLast(dotted string) (string, string) {
	i := strings.LastIndexByte(dotted, '.')
	return dotted[:max(i, 0)], dotted[i+1:]
}

// hop finds the first module on the path that binds the name after it. next is
// the path that the name stands for, empty when it is made in that module.
func (m *Modules) hop(file, dotted string, met map[string]bool) (next string, ns *namespace, found bool) {
	parts := strings.Split(dotted, ".")
	for _, dir := range m.roots(file) {
		for i, part := range parts {
			dir = path.Join(dir, part)
			at := m.fileOf(dir)
			if at == "" && !m.dirs[dir] {
				break // the next root may have it
			}
			found = true
			if at == "" || i+1 == len(parts) {
				continue
			}
			ns = m.namespace(at)
			target, bound := ns.names[parts[i+1]]
			rest := strings.Join(parts[i+2:], ".")
			if key := at + ":" + parts[i+1]; bound && !met[key] {
				met[key] = true
				if target == "" && rest != "" {
					return "", nil, true // an attribute of something that is made there
				}
				return joined(target, rest), ns, true
			}
		}
		if found {
			return "", nil, true
		}
	}
	return "", nil, false
}

// roots are the directories that imports start from, as the runtime has them on
// sys.path.
func (m *Modules) roots(file string) []string {
	if strings.HasPrefix(file, "src/") && !m.files["src/__init__.py"] {
		return []string{"src", ""}
	}
	return []string{""}
}

func (m *Modules) fileOf(dir string) string {
	for _, f := range []string{dir + "/__init__.py", dir + ".py"} {
		if m.files[f] {
			return f
		}
	}
	return ""
}

func (m *Modules) namespace(file string) *namespace {
	if ns, ok := m.known[file]; ok {
		return ns // perhaps half read, as in Python where imports go in a circle
	}
	src, err := m.read(file)
	if err != nil {
		src = nil // reported where the file is read for its Powers
	}
	return m.of(file, src)
}

func (m *Modules) of(file string, src []byte) *namespace {
	s := newScanner(file, src)
	s.modules, s.all, s.shallow = m, true, true
	ns := &namespace{scanner: s, names: s.blocks[0].names}
	m.known[file] = ns
	s.scan(src)
	ns.done = true
	return ns
}

// constant is the value at the end of a path, which file calls name.
func (m *Modules) constant(file, dotted, name string) (literal.Value, *refusal) {
	end := m.follow(file, dotted)
	if end.at == nil {
		return literal.Value{}, refuse(strconv.Quote(name) + " does not lead to a constant of this tree")
	}
	c, known := end.at.consts[end.name]
	if !known {
		return literal.Value{}, refuse(strconv.Quote(name) + " is not a constant of " + end.at.out.File)
	}
	if m.depth >= maxDepth {
		return literal.Value{}, refuse(strconv.Quote(name) + " leads on and on to other files")
	}
	m.depth++
	defer func() { m.depth-- }()
	v, refused := end.at.value(end.name, c)
	if refused != nil && len(refused.notes) == 0 {
		refused.notes = []diag.Note{noteAt("it is bound here", end.at.placeOf(c.at))}
	}
	return v, refused
}
