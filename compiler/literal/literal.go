// Package literal is a value that a person wrote as a constant, in Python or in
// YAML, with the place where it stands.
package literal

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is the type of a value, by its name in Python.
type Kind string

// The kinds. Bad is a value that was already refused where it was read: nothing
// more is to be said about it.
const (
	Bad   Kind = ""
	Str   Kind = "str"
	Int   Kind = "int"
	Float Kind = "float"
	Bool  Kind = "bool"
	None  Kind = "None"
	List  Kind = "list"
	Tuple Kind = "tuple"
	Dict  Kind = "dict"
)

// Value is one constant.
type Value struct {
	Kind  Kind
	Str   string
	Int   int64
	Float float64
	Bool  bool
	// Items are those of a list or tuple, where it was read that deep.
	Items []Value
	Place Place
}

// Place is where something stands in a file.
type Place struct {
	File   string
	Line   int
	Column int
	Width  int
}

// String writes the value as Python does.
func (v Value) String() string {
	switch v.Kind {
	case Str:
		return strconv.Quote(v.Str)
	case Int:
		return strconv.FormatInt(v.Int, 10)
	case Float:
		text := strconv.FormatFloat(v.Float, 'g', -1, 64)
		if !strings.ContainsAny(text, ".eIN") {
			text += ".0" // it is no whole number to Python
		}
		return text
	case Bool:
		if v.Bool {
			return "True"
		}
		return "False"
	case None:
		return "None"
	case List, Tuple, Dict:
		return "a " + string(v.Kind)
	}
	return fmt.Sprintf("<%s>", "unreadable")
}
