package config

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

// tomlKind is the type of a value, as far as it matters here.
type tomlKind string

const (
	tomlTable  tomlKind = "a table"
	tomlArray  tomlKind = "an array"
	tomlString tomlKind = "text"
	tomlOther  tomlKind = "a number, a date or true/false"
)

// tomlValue is one value of a TOML file and where it stands; a nil one is a key
// that is missing.
type tomlValue struct {
	kind  tomlKind
	place literal.Place
	str   string
	// raw is how a value that is neither text nor holds others was written.
	raw   string
	items []*tomlValue
	keys  []tomlKey
	index map[string]*tomlValue
	// closed tables are complete: inline ones, and those whose header was met.
	closed bool
}

// tomlKey is one key of a table, in the order of the file.
type tomlKey struct {
	name  string
	place literal.Place
	value *tomlValue
}

// get follows keys from table to table.
func (v *tomlValue) get(keys ...string) *tomlValue {
	for _, k := range keys {
		if v == nil {
			return nil
		}
		v = v.index[k]
	}
	return v
}

// text is the string at keys, or an empty one.
func (v *tomlValue) text(keys ...string) Text {
	if v = v.get(keys...); v == nil || v.kind != tomlString {
		return Text{}
	}
	return Text{Value: v.str, Place: v.place}
}

func (v *tomlValue) add(name string, at literal.Place, value *tomlValue) {
	if v.index == nil {
		v.index = map[string]*tomlValue{}
	}
	v.index[name] = value
	v.keys = append(v.keys, tomlKey{name, at, value})
}

// tomlError is why a file is not TOML.
type tomlError struct {
	place literal.Place
	msg   string
}

func (e *tomlError) Error() string { return e.msg }

// tomlReader builds the values of one file. The library gives the expressions
// and their places; its own decoder gives no places, and takes quadratic time for
// a table of very many keys, which strangers could send.
type tomlReader struct {
	file  string
	data  []byte
	lines []int // where each line begins
	p     unstable.Parser
}

func parseTOML(file string, data []byte) (*tomlValue, *tomlError) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	r := &tomlReader{file: file, data: data, lines: []int{0}}
	for i, c := range data {
		if c == '\n' {
			r.lines = append(r.lines, i+1)
		}
	}
	if i := invalid(data); i >= 0 {
		return nil, &tomlError{r.place(i, 1), "the file is not UTF-8 text"}
	}
	root := &tomlValue{kind: tomlTable}
	at := root
	r.p.Reset(data)
	for r.p.NextExpression() {
		var err *tomlError
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

func (r *tomlReader) broken(err error) *tomlError {
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
	return &tomlError{r.place(at, 1), strings.ToValidUTF8(err.Error(), "?")}
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
func (r *tomlReader) header(root *tomlValue, e *unstable.Node) (*tomlValue, *tomlError) {
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
			next = &tomlValue{kind: tomlTable, place: place}
			at.add(name, place, next)
		case next.kind == tomlArray && len(next.items) > 0 && next.closed && !keys.IsLast():
			next = next.items[len(next.items)-1]
		case next.kind != tomlTable || next.closed && keys.IsLast():
			return nil, twice(name, place)
		}
		at = next
	}
	at.closed = true
	return at, nil
}

// another appends a table to an array of tables.
func (r *tomlReader) another(at *tomlValue, name string, place literal.Place) (*tomlValue, *tomlError) {
	array := at.index[name]
	if array == nil {
		array = &tomlValue{kind: tomlArray, place: place, closed: true}
		at.add(name, place, array)
	}
	if array.kind != tomlArray || !array.closed {
		return nil, twice(name, place)
	}
	table := &tomlValue{kind: tomlTable, place: place}
	array.items = append(array.items, table)
	return table, nil
}

func (r *tomlReader) keyValue(at *tomlValue, e *unstable.Node) *tomlError {
	keys := e.Key()
	for keys.Next() {
		k := keys.Node()
		name, place := string(k.Data), r.span(k.Raw)
		next := at.index[name]
		switch {
		case keys.IsLast() && next == nil:
			value, err := r.value(e.Value(), place)
			if err == nil {
				at.add(name, place, value)
			}
			return err
		case keys.IsLast() || next != nil && next.kind != tomlTable:
			return twice(name, place)
		case next == nil:
			next = &tomlValue{kind: tomlTable, place: place}
			at.add(name, place, next)
		}
		at = next
	}
	return nil
}

func twice(name string, at literal.Place) *tomlError {
	return &tomlError{at, fmt.Sprintf("the key %q stands twice", name)}
}

// value reads a value; key is where its key stands, for those that have no place
// of their own.
func (r *tomlReader) value(n *unstable.Node, key literal.Place) (*tomlValue, *tomlError) {
	v := &tomlValue{kind: tomlOther, place: key}
	if n.Raw.Length > 0 {
		v.place = r.span(n.Raw)
	}
	switch n.Kind {
	case unstable.String:
		v.kind, v.str = tomlString, string(n.Data)
	case unstable.Array:
		v.kind = tomlArray
		for items := n.Children(); items.Next(); {
			item, err := r.value(items.Node(), key)
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, item)
		}
	case unstable.InlineTable:
		v.kind = tomlTable
		for pairs := n.Children(); pairs.Next(); {
			if err := r.keyValue(v, pairs.Node()); err != nil {
				return nil, err
			}
		}
		v.closed = true
	default:
		v.raw = string(n.Data)
	}
	return v, nil
}
