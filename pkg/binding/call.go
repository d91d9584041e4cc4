package binding

import (
	"strings"

	"fngen.dev/fngen/compiler/diag"
)

// call are the parameters of a function or of a class.
type call struct {
	name                     string
	named, byPlace, required []param
	rest, extra              *param
}

func newCall(name string, params []param) call {
	c := call{name: name}
	for i, p := range params {
		switch p.Kind {
		case "var_positional":
			c.rest = &params[i]
			continue
		case "var_keyword":
			c.extra = &params[i]
			continue
		case "keyword_only":
		default:
			c.byPlace = append(c.byPlace, p)
		}
		c.named = append(c.named, p)
		if p.Required {
			c.required = append(c.required, p)
		}
	}
	return c
}

// bind holds a value against parameters: its form decides how.
func (c *checker) bind(to *call, v any) []fault {
	if !c.step() {
		return nil
	}
	o, isObject := v.(*object)
	if len(to.required) == 0 && (v == nil || isObject && len(o.keys) == 0) {
		return nil
	}
	if isObject {
		return c.bindObject(to, o)
	}
	if a, ok := v.([]any); ok {
		return c.bindArray(to, a)
	}
	if len(to.named) == 1 {
		return c.check(to.named[0].Type, v)
	}
	if v == nil {
		return c.left(to.required)
	}
	expected := "no arguments"
	if len(to.named) > 0 {
		var all []string
		for _, p := range to.named {
			all = append(all, p.Name)
		}
		expected = "an object with " + strings.Join(all, ", ")
	}
	return refuse("call", expected, v, "")
}

func (c *checker) bindObject(to *call, o *object) []fault {
	if len(to.named) != 1 || to.extra != nil {
		return c.bindNames(to, o)
	}
	one := to.named[0]
	takes := c.takes(one.Type, "object")
	if _, named := o.values[one.Name]; !named || len(o.keys) != 1 {
		if takes {
			return c.check(one.Type, o)
		}
		return c.bindNames(to, o)
	}
	byName := c.bindNames(to, o)
	if takes && len(byName) > 0 && len(c.check(one.Type, o)) == 0 {
		return nil
	}
	return byName
}

func (c *checker) bindArray(to *call, a []any) []fault {
	if len(to.named) == 1 && to.rest == nil && c.takes(to.named[0].Type, "array") {
		return c.check(to.named[0].Type, a)
	}
	var found []fault
	for i, v := range a {
		switch {
		case i < len(to.byPlace):
			found = append(found, below(c.check(to.byPlace[i].Type, v), i)...)
		case to.rest != nil:
			found = append(found, below(c.check(to.rest.Type, v), i)...)
		default:
			found = append(found, fault{loc: []any{i}, kind: "unexpected", expected: "nothing", input: v, msg: "is not expected: " + to.name + " takes fewer values"})
		}
	}
	var left []param
	for _, p := range to.byPlace[min(len(a), len(to.byPlace)):] {
		if p.Required {
			left = append(left, p)
		}
	}
	for _, p := range to.required {
		if p.Kind == "keyword_only" {
			left = append(left, p)
		}
	}
	return append(found, c.left(left)...)
}

func (c *checker) left(params []param) []fault {
	var found []fault
	for _, p := range params {
		found = append(found, missing(p.Name, c.typeName(p.Type)))
	}
	return found
}

func (c *checker) bindNames(to *call, o *object) []fault {
	var found []fault
	known := map[string]bool{}
	var all []string
	for _, p := range to.named {
		known[p.Name], all = true, append(all, p.Name)
		if v, ok := o.values[p.Name]; ok {
			found = append(found, below(c.check(p.Type, v), p.Name)...)
		} else if p.Required {
			found = append(found, missing(p.Name, c.typeName(p.Type)))
		}
	}
	if to.rest != nil && !known[to.rest.Name] {
		known[to.rest.Name], all = true, append(all, to.rest.Name)
		if v, ok := o.values[to.rest.Name]; ok {
			list := &typ{T: "array", Name: "list of " + c.typeName(to.rest.Type), Of: to.rest.Type}
			found = append(found, below(c.check(list, v), to.rest.Name)...)
		}
	}
	if to.extra == nil {
		return append(found, unknown(o, known, all)...)
	}
	for _, key := range o.keys {
		if !known[key] {
			found = append(found, below(c.check(to.extra.Type, o.values[key]), key)...)
		}
	}
	return found
}

// unknown names each field that nothing takes, and the one that was likely meant.
func unknown(o *object, known map[string]bool, all []string) []fault {
	var left []string
	for _, name := range all {
		if _, given := o.values[name]; !given {
			left = append(left, name)
		}
	}
	if len(left) == 0 {
		left = all
	}
	var found []fault
	for _, key := range o.keys {
		if known[key] {
			continue
		}
		msg := "is not expected"
		if near := diag.Nearest(key, left); near != "" {
			msg += "; did you mean '" + near + "'?"
		}
		found = append(found, fault{loc: []any{key}, kind: "unexpected", expected: "nothing", input: o.values[key], msg: msg})
	}
	return found
}
