package binding

import (
	"encoding/json"
	"fmt"
	"slices"
)

// typ is a type as a schema has it.
type typ struct {
	T    string `json:"t"`
	Name string `json:"name"`
	// Takes are the kinds of JSON of an opaque type.
	Takes []string `json:"takes"`
	// Of is the type of the items of an array, or what is bounded; Members are those
	// of a union.
	Of      *typ     `json:"-"`
	Members []*typ   `json:"-"`
	Items   []*typ   `json:"items"`
	Keys    *typ     `json:"keys"`
	Dict    *typ     `json:"-"`
	Values  []any    `json:"-"`
	As      *typ     `json:"as"`
	Unique  bool     `json:"unique"`
	To      string   `json:"to"`
	Tag     *tag     `json:"tag"`
	Bounds  *boundsT `json:"bounds"`
}

// tag is the field that tells the members of a union apart.
type tag struct {
	Field  string         `json:"field"`
	Values map[string]int `json:"values"`
}

// boundsT are constraints; those that are absent are nil.
type boundsT struct {
	GT         json.Number `json:"gt"`
	GE         json.Number `json:"ge"`
	LT         json.Number `json:"lt"`
	LE         json.Number `json:"le"`
	MultipleOf json.Number `json:"multiple_of"`
	Min        *int        `json:"min"`
	Max        *int        `json:"max"`
}

// named is a type with a name: it may lead back to itself.
type named struct {
	Form    string  `json:"form"`
	Name    string  `json:"name"`
	ByPlace bool    `json:"by_place"`
	Fields  []field `json:"fields"`
	Params  []param `json:"params"`
	Type    *typ    `json:"type"`
	call    call
}

type field struct {
	Name     string `json:"name"`
	Type     *typ   `json:"type"`
	Required bool   `json:"required"`
}

type param struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	Type     *typ   `json:"type"`
	Required bool   `json:"required"`
}

// UnmarshalJSON reads "of" and "values", which mean what "t" says.
func (t *typ) UnmarshalJSON(data []byte) error {
	type plain typ
	read := struct {
		*plain
		Of     json.RawMessage `json:"of"`
		Values json.RawMessage `json:"values"`
	}{plain: (*plain)(t)}
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	into := func(raw json.RawMessage, v any) error {
		if raw == nil || string(raw) == "null" {
			return fmt.Errorf("a type %q is not whole", t.T)
		}
		return json.Unmarshal(raw, v)
	}
	switch t.T {
	case "union":
		return into(read.Of, &t.Members)
	case "array", "bounded":
		return into(read.Of, &t.Of)
	case "dict":
		if t.Keys == nil {
			return fmt.Errorf("a type %q is not whole", t.T)
		}
		return into(read.Values, &t.Dict)
	case "enum", "literal":
		v, err := decode(read.Values)
		t.Values, _ = v.([]any)
		return err
	}
	return nil
}

// kind is the kind of JSON that a value is.
func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "bool"
	case json.Number:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}

var takesOf = map[string][]string{
	"none": {"null"}, "str": {"string"}, "uuid": {"string"}, "path": {"string"},
	"bool": {"string", "number", "bool"}, "int": {"string", "number", "bool"}, "float": {"string", "number", "bool"},
	"bytes":   {"string", "object"},
	"decimal": {"string", "number"}, "datetime": {"string", "number"}, "date": {"string", "number"},
	"time": {"string", "number"}, "timedelta": {"string", "number"}, "ipv4": {"string", "number"}, "ipv6": {"string", "number"},
	"array": {"array"}, "tuple": {"array"}, "dict": {"object"},
	"enum": {"null", "bool", "number", "string", "array"},
}

// takes says whether a type may be made from a kind of JSON.
func (c *checker) takes(t *typ, k string) bool {
	if t == nil {
		return true
	}
	switch t.T {
	case "opaque":
		return slices.Contains(t.Takes, k)
	case "literal":
		return slices.ContainsFunc(t.Values, func(v any) bool { return kind(v) == k })
	case "bounded":
		return c.takes(t.Of, k)
	case "union":
		return slices.ContainsFunc(t.Members, func(m *typ) bool { return c.takes(m, k) })
	case "ref":
		return c.namedTakes(t.To, k)
	}
	known, ok := takesOf[t.T]
	return !ok || slices.Contains(known, k) // what is not known may be anything
}

func (c *checker) namedTakes(name, k string) bool {
	n := c.types[name]
	switch {
	case n == nil || n.Form == "alias":
		return true
	case k == "object":
		return true
	case n.Form == "record":
		return n.ByPlace && k == "array"
	case k == "array":
		return len(n.call.byPlace) > 0 || n.call.rest != nil
	case k == "null" && len(n.call.required) == 0:
		return true
	case len(n.call.named) != 1:
		return false
	}
	if c.depth > maxWithin || !c.step() {
		return true
	}
	c.depth++
	defer func() { c.depth-- }()
	return c.takes(n.call.named[0].Type, k)
}

// typeName is a type as people read it.
func (c *checker) typeName(t *typ) string {
	switch {
	case t == nil:
		return "anything"
	case t.Name != "":
		return t.Name
	case t.T == "ref":
		return t.To
	}
	if name, ok := names[t.T]; ok {
		return name
	}
	return t.T
}

var names = map[string]string{
	"any": "anything", "none": "null", "decimal": "Decimal", "uuid": "UUID", "path": "Path", "ipv4": "IPv4Address", "ipv6": "IPv6Address",
}
