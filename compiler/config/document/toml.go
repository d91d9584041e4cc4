package document

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2/unstable"

	"fngen.dev/fngen/compiler/literal"
)

// Kind is the type of a value, as far as it matters here.
type Kind string

const (
	Table  Kind = "a table"
	Array  Kind = "an array"
	String Kind = "text"
	Other  Kind = "a number, a date or true/false"
)

// Value is one value of a file and where it stands; a nil one is a key
// that is missing.
type Value struct {
	Kind  Kind
	Place literal.Place
	Str   string
	// Raw is how a value that is neither text nor holds others was written.
	Raw   string
	Items []*Value
	Keys  []Key
	index map[string]*Value
	// closed tables are complete: inline ones, and those whose header was met.
	closed bool
}

// Key is one key of a table, in the order of the file.
type Key struct {
	Name  string
	Place literal.Place
	Value *Value
}

// Get follows keys from table to table.
func (v *Value) Get(keys ...string) *Value {
	for _, k := range keys {
		if v == nil {
			return nil
		}
		v = v.index[k]
	}
	return v
}

// Text is the string at keys, or an empty one.
func (v *Value) Text(keys ...string) Text {
	if v = v.Get(keys...); v == nil || v.Kind != String {
		return Text{}
	}
	return Text{Value: v.Str, Place: v.Place}
}

// Add puts a key into a table.
func (v *Value) Add(name string, at literal.Place, value *Value) {
	if v.index == nil {
		v.index = map[string]*Value{}
	}
	v.index[name] = value
	v.Keys = append(v.Keys, Key{name, at, value})
}

// Error is why a file cannot be read.
type Error struct {
	Place literal.Place
	Msg   string
}

func (e *Error) Error() string { return e.Msg }

// tomlReader builds the values of one file. The library gives the expressions
// and their places; its own decoder gives no places, and takes quadratic time for
// a table of very many keys, which strangers could send.
type tomlReader struct {
	file  string
	data  []byte
	lines []int // where each line begins
	p     unstable.Parser
}

// TOML reads a TOML file.
func TOML(file string, data []byte) (*Value, *Error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	r := &tomlReader{file: file, data: data, lines: []int{0}}
	for i, c := range data {
		if c == '\n' {
			r.lines = append(r.lines, i+1)
		}
	}
	if i := Invalid(data); i >= 0 {
		return nil, &Error{r.place(i, 1), "the file is not UTF-8 text"}
	}
	root := &Value{Kind: Table}
	at := root
	r.p.Reset(data)
	for r.p.NextExpression() {
		var err *Error
		switch e := r.p.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			at, err = r.header(root, e)
		case unstable.KeyValue:
			err = r.keyValue(at, e)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := r.p.Error(); err != nil {
		return nil, r.broken(err)
	}
	return root, nil
}

func (r *tomlReader) broken(err error) *Error {
	at := len(r.data)
	if pe, ok := errors.AsType[*unstable.ParserError](err); ok {
		// A highlight is cut from the data, so what is left behind it tells where.
		if o := cap(r.data) - cap(pe.Highlight); o >= 0 && o <= len(r.data) {
			at = o
		}
	}
	for at > 0 && at < len(r.data) && !utf8.RuneStart(r.data[at]) {
		at--
	}
	return &Error{r.place(at, 1), strings.ToValidUTF8(err.Error(), "?")}
}

func (r *tomlReader) place(offset, width int) literal.Place {
	line := sort.SearchInts(r.lines, offset+1) - 1
	return literal.Place{File: r.file, Line: line + 1, Column: offset - r.lines[line] + 1, Width: width}
}

// span is the place of a range; of one with several lines, its first.
func (r *tomlReader) span(raw unstable.Range) literal.Place {
	text := r.p.Raw(raw)
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	return r.place(int(raw.Offset), max(len(text), 1))
}

// header finds or makes the table of [a.b] or [[a.b]].
func (r *tomlReader) header(root *Value, e *unstable.Node) (*Value, *Error) {
	keys := e.Key()
	at := root
	for keys.Next() {
		k := keys.Node()
		name, place := string(k.Data), r.span(k.Raw)
		next := at.index[name]
		switch {
		case keys.IsLast() && e.Kind == unstable.ArrayTable:
			return r.another(at, name, place)
		case next == nil:
			next = &Value{Kind: Table, Place: place}
			at.Add(name, place, next)
		case next.Kind == Array && len(next.Items) > 0 && next.closed && !keys.IsLast():
			next = next.Items[len(next.Items)-1]
		case next.Kind != Table || next.closed && keys.IsLast():
			return nil, twice(name, place)
		}
		at = next
	}
	at.closed = true
	return at, nil
}

// another appends a table to an array of tables.
func (r *tomlReader) another(at *Value, name string, place literal.Place) (*Value, *Error) {
	array := at.index[name]
	if array == nil {
		array = &Value{Kind: Array, Place: place, closed: true}
		at.Add(name, place, array)
	}
	if array.Kind != Array || !array.closed {
		return nil, twice(name, place)
	}
	table := &Value{Kind: Table, Place: place}
	array.Items = append(array.Items, table)
	return table, nil
}

func (r *tomlReader) keyValue(at *Value, e *unstable.Node) *Error {
	keys := e.Key()
	for keys.Next() {
		k := keys.Node()
		name, place := string(k.Data), r.span(k.Raw)
		next := at.index[name]
		switch {
		case keys.IsLast() && next == nil:
			value, err := r.value(e.Value(), place)
			if err == nil {
				at.Add(name, place, value)
			}
			return err
		case keys.IsLast() || next != nil && next.Kind != Table:
			return twice(name, place)
		case next == nil:
			next = &Value{Kind: Table, Place: place}
			at.Add(name, place, next)
		}
		at = next
	}
	return nil
}

func twice(name string, at literal.Place) *Error {
	return &Error{at, fmt.Sprintf("the key %q stands twice", name)}
}

// value reads a value; key is where its key stands, for those that have no place
// of their own.
func (r *tomlReader) value(n *unstable.Node, key literal.Place) (*Value, *Error) {
	v := &Value{Kind: Other, Place: key}
	if n.Raw.Length > 0 {
		v.Place = r.span(n.Raw)
	}
	switch n.Kind {
	case unstable.String:
		v.Kind, v.Str = String, string(n.Data)
	case unstable.Array:
		v.Kind = Array
		for items := n.Children(); items.Next(); {
			item, err := r.value(items.Node(), key)
			if err != nil {
				return nil, err
			}
			v.Items = append(v.Items, item)
		}
	case unstable.InlineTable:
		v.Kind = Table
		for pairs := n.Children(); pairs.Next(); {
			if err := r.keyValue(v, pairs.Node()); err != nil {
				return nil, err
			}
		}
		v.closed = true
	default:
		v.Raw = string(n.Data)
	}
	return v, nil
}
