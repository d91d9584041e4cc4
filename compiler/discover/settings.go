package discover

import (
	"bytes"
	"slices"

	"fngen.dev/fngen/compiler/literal"
)

// Setting is what a module of settings gives a name.
type Setting struct {
	// Bound is false when the module leaves the name to its default.
	Bound bool
	// Known is false when the value is made as the module runs. It is the zero
	// value of a name that is not bound.
	Known bool
	Value literal.Value
	// Place is that of the name, or of the whole module.
	Place literal.Place
}

// dynamic are words of modules whose names come about in ways that reading does
// not follow.
var dynamic = [][]byte{[]byte("locals()"), []byte("globals()"), []byte("vars()"), []byte("dynaconf"), []byte("split_settings"), []byte("exec(")}

// Setting reads one name of a module, as file imports it. Without such a module
// in the tree nothing is known.
func (m *Modules) Setting(file, module, name string) Setting {
	at := m.moduleFile(file, module)
	if at == "" {
		return Setting{}
	}
	ns := m.namespace(at)
	out := Setting{Place: literal.Place{File: at}}
	if ns.incomplete || slices.ContainsFunc(dynamic, func(w []byte) bool { return bytes.Contains(ns.lx.Src, w) }) {
		return out
	}
	target, bound := ns.names[name]
	if !bound {
		out.Known = !bytes.Contains(ns.lx.Src, []byte(name)) // a class may hold it
		return out
	}
	out.Bound = true
	if target != "" {
		end := m.follow(at, target)
		if ns, name = end.at, end.name; ns == nil {
			return out
		}
	}
	c, ok := ns.consts[name]
	if !ok {
		return out
	}
	out.Place = ns.placeOf(c.at)
	v, refused := ns.value(name, c)
	out.Known, out.Value = refused == nil && !c.sometimes, v
	return out
}
