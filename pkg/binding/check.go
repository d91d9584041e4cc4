package binding

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// maxSteps bounds the work for one payload: unions within unions of recursive types
// can ask the same again and again. What is not looked at any more the worker decides.
const maxSteps = 4 << 20

// maxWithin bounds how types lie within types: of one that is nothing but itself, there
// would be no end.
const maxWithin = 2000

// checker holds one payload against types.
type checker struct {
	types map[string]*named
	steps int
	depth int
}

func (c *checker) step() bool {
	c.steps--
	return c.steps > 0
}

// check holds a value against a type.
func (c *checker) check(t *typ, v any) []fault {
	if !c.step() || t == nil || c.depth > maxWithin {
		return nil
	}
	c.depth++
	defer func() { c.depth-- }()
	switch t.T {
	case "array":
		return c.array(t, v)
	case "tuple":
		return c.tuple(t, v)
	case "dict":
		return c.dict(t, v)
	case "union":
		return c.union(t, v)
	case "ref":
		return c.ref(t.To, v)
	case "enum", "literal":
		return c.oneOf(t, v)
	case "bounded":
		return c.bounded(t, v)
	case "opaque":
		if !c.takes(t, kind(v)) {
			return refuse("type", c.typeName(t), v, "")
		}
		return nil
	}
	if fits, known := scalars[t.T]; known && !fits(v) {
		return refuse(t.T, c.typeName(t), v, "")
	}
	return nil
}

func (c *checker) array(t *typ, v any) []fault {
	items, ok := v.([]any)
	if !ok {
		return refuse("array", c.typeName(t), v, "")
	}
	var found []fault
	for i, item := range items {
		found = append(found, below(c.check(t.Of, item), i)...)
	}
	if len(found) == 0 && t.Unique && t.Of.T == "any" {
		for _, item := range items {
			if k := kind(item); k == "array" || k == "object" {
				return refuse("unique", c.typeName(t), v, "an "+k+" cannot be in a set")
			}
		}
	}
	return found
}

func (c *checker) tuple(t *typ, v any) []fault {
	items, ok := v.([]any)
	if !ok {
		return refuse("array", c.typeName(t), v, "")
	}
	if len(items) != len(t.Items) {
		return refuse("length", c.typeName(t), v, "it has "+strconv.Itoa(len(items))+" values")
	}
	var found []fault
	for i, item := range items {
		found = append(found, below(c.check(t.Items[i], item), i)...)
	}
	return found
}

func (c *checker) dict(t *typ, v any) []fault {
	o, ok := v.(*object)
	if !ok {
		return refuse("object", c.typeName(t), v, "")
	}
	var found []fault
	for _, key := range o.keys {
		found = append(found, below(c.check(t.Keys, key), key)...)
		found = append(found, below(c.check(t.Dict, o.values[key]), key)...)
	}
	return found
}

func (c *checker) union(t *typ, v any) []fault {
	if o, ok := v.(*object); ok && t.Tag != nil {
		if name, ok := o.values[t.Tag.Field].(string); ok {
			i, known := t.Tag.Values[name]
			if !known || i < 0 || i >= len(t.Members) {
				return below(refuse("tag", "one of the known names", name, ""), t.Tag.Field)
			}
			return c.check(t.Members[i], v)
		}
	}
	var best []fault
	for _, member := range t.Members {
		found := c.check(member, v)
		if len(found) == 0 {
			return nil
		}
		k := kind(v)
		if (k == "array" || k == "object") && c.takes(member, k) && (best == nil || len(found) < len(best)) {
			best = found
		}
	}
	if best != nil {
		return best
	}
	return refuse("union", c.typeName(t), v, "")
}

func (c *checker) ref(name string, v any) []fault {
	n := c.types[name]
	switch {
	case n == nil:
		return nil
	case n.Form == "alias":
		return c.check(n.Type, v)
	case n.Form == "call":
		return c.bind(&n.call, v)
	}
	if items, ok := v.([]any); ok && n.ByPlace {
		return c.byPlace(n, items)
	}
	o, ok := v.(*object)
	if !ok {
		return refuse("object", n.Name, v, "")
	}
	return c.record(n, o)
}

func (c *checker) record(n *named, o *object) []fault {
	var found []fault
	known, all := map[string]bool{}, []string(nil)
	for _, f := range n.Fields {
		known[f.Name], all = true, append(all, f.Name)
		if v, ok := o.values[f.Name]; ok {
			found = append(found, below(c.check(f.Type, v), f.Name)...)
		} else if f.Required {
			found = append(found, missing(f.Name, c.typeName(f.Type)))
		}
	}
	return append(found, unknown(o, known, all)...)
}

func (c *checker) byPlace(n *named, items []any) []fault {
	if len(items) > len(n.Fields) {
		return refuse("length", n.Name, items, "it has "+strconv.Itoa(len(items))+" values")
	}
	var found []fault
	for i, f := range n.Fields {
		if i < len(items) {
			found = append(found, below(c.check(f.Type, items[i]), i)...)
		} else if f.Required {
			found = append(found, missing(f.Name, c.typeName(f.Type)))
		}
	}
	return found
}

func (c *checker) oneOf(t *typ, v any) []fault {
	for _, one := range t.Values {
		if same(one, v) {
			return nil
		}
	}
	if t.As != nil && len(c.check(t.As, v)) == 0 {
		n, ok := toNumber(t.As.T, v)
		for _, one := range t.Values {
			if want, isNumber := toNumber(t.As.T, one); ok && isNumber && n.equal(want) {
				return nil
			}
		}
	}
	return refuse(t.T, c.typeName(t), v, "")
}

// same says whether two values of JSON are the same value of the same type in Python.
func same(a, b any) bool {
	x, isNumber := a.(json.Number)
	y, both := b.(json.Number)
	if !isNumber || !both {
		return kind(a) == kind(b) && kind(a) != "array" && kind(a) != "object" && a == b
	}
	if isInteger(string(x)) != isInteger(string(y)) {
		return false
	}
	t := "float"
	if isInteger(string(x)) {
		t = "int"
	}
	n, _ := toNumber(t, x)
	m, _ := toNumber(t, y)
	return n.equal(m)
}

// numeral is a number as Python would hold it: an int of any size, or a float.
type numeral struct {
	int   *big.Int
	float float64
}

func (n numeral) equal(m numeral) bool {
	if n.int != nil && m.int != nil {
		return n.int.Cmp(m.int) == 0
	}
	return n.int == nil && m.int == nil && n.float == m.float
}

// toNumber makes a number of a value that fits "int" or "float".
func toNumber(t string, v any) (numeral, bool) {
	text := ""
	switch v := v.(type) {
	case bool:
		text = "0"
		if v {
			text = "1"
		}
	case json.Number:
		text = string(v)
	case string:
		text = strings.ReplaceAll(strings.Trim(v, " \t\n\r\f\v"), "_", "")
	default:
		return numeral{}, false
	}
	if t == "float" {
		f, err := strconv.ParseFloat(text, 64)
		return numeral{float: f}, err == nil || math.IsInf(f, 0)
	}
	if _, quoted := v.(string); quoted {
		text, _, _ = strings.Cut(text, ".") // only zeros follow
	}
	if n, ok := new(big.Int).SetString(text, 10); ok {
		return numeral{int: n}, true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != math.Trunc(f) || math.IsInf(f, 0) {
		return numeral{}, false
	}
	n, _ := big.NewFloat(f).Int(nil)
	return numeral{int: n}, true
}
