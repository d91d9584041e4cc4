package discover

import (
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
