// Package diag carries what is wrong with a person's input: where, what, and
// what to do about it.
//
// A Diagnostic is about something the person wrote; a failure of ours is an
// ordinary wrapped error instead. Phases collect into a List and go on, so that
// one run reports every fault of an input. Codes are given by hand, never
// computed, and each one is listed in docs/diagnostics.md.
package diag

import (
	"cmp"
	"slices"
)

// Severity says whether a diagnostic stops the work.
type Severity string

const (
	// Error stops the work: nothing is pushed.
	Error Severity = "error"
	// Warning is shown and the work goes on.
	Warning Severity = "warning"
)

// Diagnostic is one fault of an input.
//
// Line and Column count from 1; zero means that the fault belongs to the whole
// file (or, with an empty File, to the whole tree). Column counts bytes.
type Diagnostic struct {
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	// Message says what is wrong, the person's own names in quotes.
	Message string `json:"message"`
	// File is relative to the root of the tree, with slashes.
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	// Width is how many bytes of the line the caret underlines; 0 means one.
	Width int    `json:"width,omitempty"`
	Notes []Note `json:"notes"`
	// Help is an instruction: what to do to get past this.
	Help string `json:"help"`
	// Excerpt is the source line without its line end.
	Excerpt string `json:"excerpt,omitempty"`
}

// Note points at the other place that a diagnostic is about.
type Note struct {
	Message string `json:"message"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
}

// List is a set of diagnostics in the order in which they were met.
type List []Diagnostic

// Add appends d with an empty, never nil, list of notes, so that its JSON has
// always the same shape.
func (l *List) Add(d Diagnostic) {
	if d.Severity == "" {
		d.Severity = Error
	}
	if d.Notes == nil {
		d.Notes = []Note{}
	}
	*l = append(*l, d)
}

// HasErrors reports whether any diagnostic stops the work.
func (l List) HasErrors() bool {
	return slices.ContainsFunc(l, func(d Diagnostic) bool { return d.Severity == Error })
}

// Sorted returns the diagnostics by file, place and code: the same input gives
// the same output, whatever order the phases ran in.
func (l List) Sorted() List {
	out := slices.Clone(l)
	slices.SortStableFunc(out, func(a, b Diagnostic) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Code, b.Code),
			cmp.Compare(a.Message, b.Message),
		)
	})
	return out
}
