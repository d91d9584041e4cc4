// Package binding holds a payload against what a function takes, before it is
// queued. A release keeps a schema of each task worker, which the function's own
// code gave when it was pushed; this package reads it and never runs that code.
//
// It decides as the worker will (sdk/python/src/fngen/runtime/bind): what it lets
// through binds, and what it refuses does not, but for what only Python can tell,
// such as what the __init__ of a class refuses. Those values it lets through, and
// the worker refuses them. A test compares both on many thousand payloads.
package binding

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Version is the form of schemas that this package reads.
const Version = 1

// MaxFaults is how many faults of one payload are told.
const MaxFaults = 100

// Fault is one field that does not fit.
type Fault struct {
	// Loc is its place: names of fields and numbers of items.
	Loc      []any  `json:"loc"`
	Type     string `json:"type"`
	Expected string `json:"expected"`
	Message  string `json:"msg"`
	// Input is what came, as JSON, cut; hidden where the place looks like a secret's.
	Input string `json:"input"`
}

// String says the place, as one would in code, and what is wrong.
func (f Fault) String() string {
	if where := f.Place(); where != "" {
		return where + ": " + f.Message
	}
	return f.Message
}

// Place is where the fault is, as one would write it in code: items[1].qty.
func (f Fault) Place() string {
	var b strings.Builder
	for _, part := range f.Loc {
		switch part := part.(type) {
		case int:
			b.WriteString("[" + strconv.Itoa(part) + "]")
		case string:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(part)
		}
	}
	return b.String()
}

// Schema is what a function takes.
type Schema struct {
	Function string
	call     call
	types    map[string]*named
}

// Check holds a payload against a schema. It returns every fault, at most MaxFaults,
// or none; a schema that it cannot read refuses nothing, for the worker decides.
func Check(schema, payload []byte) []Fault {
	s, err := Parse(schema)
	if err != nil {
		s = nil
	}
	return s.Check(payload)
}

// CheckForm holds a payload to being JSON that a worker takes, without keeping any of it:
// so it does not see keys that are there twice.
func CheckForm(payload []byte) []Fault {
	if err := form(payload); err != nil {
		return notJSON(err)
	}
	return nil
}

// heavy is how many values make a payload heavy: each takes about 100 bytes of memory,
// of an object more.
const heavy = 1 << 20

// Heavy reports whether a payload has so many values that Check would take much memory.
func Heavy(payload []byte) bool {
	n := 0
	for _, mark := range []byte{',', ':', '[', '{'} {
		n += bytes.Count(payload, []byte{mark})
	}
	return n > heavy
}

func notJSON(err error) []Fault {
	return []Fault{{Loc: []any{}, Type: "json", Expected: "JSON", Message: "the payload is not JSON that fngen takes: " + err.Error(), Input: "null"}}
}

// Parse reads a schema as the runtime writes it.
func Parse(schema []byte) (*Schema, error) {
	var read struct {
		Version  int               `json:"version"`
		Function string            `json:"function"`
		Params   []param           `json:"params"`
		Types    map[string]*named `json:"types"`
	}
	if err := json.Unmarshal(schema, &read); err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	if read.Version != Version {
		return nil, fmt.Errorf("read schema: version %d is not known", read.Version)
	}
	s := &Schema{Function: read.Function, call: newCall(read.Function, read.Params), types: read.Types}
	for name, t := range s.types {
		if t == nil || (t.Form == "alias" && t.Type == nil) {
			return nil, errors.New("read schema: type " + name + " is empty")
		}
		t.call = newCall(t.Name, t.Params)
	}
	return s, nil
}

// Check holds a payload against the schema; against none, only that it is JSON.
func (s *Schema) Check(payload []byte) []Fault {
	v, err := decode(payload)
	if err != nil {
		return notJSON(err)
	}
	if s == nil {
		return nil
	}
	c := &checker{types: s.types, steps: maxSteps}
	return told(c.bind(&s.call, v))
}

// told brings the first faults into the form that people see.
func told(found []fault) []Fault {
	var out []Fault
	for _, f := range found[:min(len(found), MaxFaults)] {
		input := shown(f.input)
		if secret(f.loc) {
			input = "[hidden]"
		}
		loc := append([]any{}, f.loc...)
		out = append(out, Fault{Loc: loc, Type: f.kind, Expected: f.expected, Message: f.words(secret(f.loc)), Input: input})
	}
	return out
}
