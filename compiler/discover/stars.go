package discover

import (
	"path"
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
