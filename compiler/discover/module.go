package discover

import (
	"bytes"
	"slices"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/literal"
)

// Module is what one file holds.
type Module struct {
	File string
	// Uses are the Powers on functions, in the order of the file.
	Uses []Use
	// Needs is the newest syntax of the file; its zero value is syntax that every
	// Python 3 has.
	Needs Needs
	// Apps are web applications made at module level, or by functions there.
	Apps        []App
	Diagnostics diag.List
	Beyond
}

// Use is one Power on one function, not yet judged.
type Use struct {
	// Power is the decorator's own name, such as "webapp".
	Power string
	// Place is that of the decorator, At that of the function's name.
	Place, At literal.Place
	Args      []Arg
	Function  string
	// Line is that of the def.
	Line       int
	Doc        string
	Parameters []ir.Parameter
	// Generator says that the body has a yield: a call runs none of it.
	Generator bool
	// Gives says that a return in the body has a value, or that nothing is known of
	// that: another decorator may return something else, a body that only raises never
	// returns.
	Gives bool
}

// Arg is one argument of a Power. Name is empty for a positional one. The value
// is literal.Bad when it was not a constant, which is already reported.
type Arg struct {
	Name  string
	Place literal.Place
	Value literal.Value
}

// Needs is syntax that Python has since version 3.Minor.
type Needs struct {
	Minor int
	What  string
	Place literal.Place
}

// syntaxHelp is what to do about syntax that no Python reads, by the code of the
// diagnostic.
var syntaxHelp = map[string]string{
	"FN1201": "close the bracket",
	"FN1202": "close each bracket with its own kind, and none twice",
	"FN1203": "end the string with the quote that it starts with",
	"FN1204": "correct the syntax, or list the file in .fnignore when it is not meant to run",
	"FN1205": "indent the lines of one block alike",
	"FN1206": "save the file as UTF-8 text",
}

// Broken are the diagnostics that make the file unfit to be imported, whether or
// not its Powers are asked for.
func (m *Module) Broken() diag.List {
	var out diag.List
	for _, d := range m.Diagnostics {
		if _, ok := syntaxHelp[d.Code]; ok {
			out = append(out, d)
		}
	}
	return out
}

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
