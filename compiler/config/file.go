package config

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"fngen.dev/fngen/compiler/catalog"
	"fngen.dev/fngen/compiler/config/document"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/literal"
)

var (
	topKeys    = []string{"project", "python", "servers", "functions"}
	serverKeys = []string{"name", "size", "region", "count"}
)

func parse(name string, data []byte) (*File, diag.List) {
	r := &reader{file: name}
	f := &File{Path: name}
	top := r.root(data)
	if top == nil {
		return f, r.diags
	}
	for _, p := range r.mapping(top, "fngen.yml") {
		switch p.key {
		case "project":
			f.Project, _ = r.text(p.value, p.key)
			r.projectName(f.Project)
		case "python":
			f.Python, _ = r.text(p.value, p.key)
		case "servers":
			f.Servers = r.servers(p)
		case "functions":
			f.Functions = r.functions(p)
		default:
			r.unknown(p, "", topKeys)
		}
	}
	return f, r.diags
}

func (r *reader) projectName(t document.Text) {
	if t.Place.Line > 0 && !ir.ValidProjectName(t.Value) {
		r.fault("FN1108", t.Place, fmt.Sprintf("%q cannot be the name of a project", t.Value), ProjectNameHelp)
	}
}

// ProjectNameHelp says what a project may be called.
const ProjectNameHelp = "use 1 to 40 lower-case letters, digits and single hyphens, a letter first; names of the platform's own, such as `api` or `www`, are taken"

func (r *reader) servers(p pair) []Server {
	if p.value.Kind != yaml.SequenceNode {
		r.fault("FN1106", r.place(p.value), "\"servers\" must be a list, not "+describe(p.value), "start each server with `- name: ...`")
		return nil
	}
	if len(p.value.Content) == 0 {
		r.fault("FN1109", p.at, "\"servers\" is an empty list", "add a server, or remove the key to get the default one")
	}
	var out []Server
	first := map[string]literal.Place{}
	for _, n := range p.value.Content {
		s := r.server(n)
		if before, again := first[s.Name]; again && s.Name != "" {
			r.fault("FN1107", s.Place, fmt.Sprintf("two servers are named %q", s.Name), "give each server a name of its own",
				diag.Note{Message: "the first one", File: r.file, Line: before.Line, Column: before.Column})
		} else {
			first[s.Name] = s.Place
		}
		out = append(out, s)
	}
	return out
}

func (r *reader) server(n *yaml.Node) Server {
	s := Server{Server: ir.Server{Count: 1}, Place: r.place(n)}
	given := map[string]bool{}
	for _, p := range r.mapping(n, "a server") {
		given[p.key] = true
		switch p.key {
		case "name":
			t, ok := r.text(p.value, p.key)
			if s.Name, s.Place = t.Value, r.place(p.value); ok && !ir.ValidServerName(t.Value) {
				r.fault("FN1108", s.Place, fmt.Sprintf("%q cannot be the name of a server", t.Value),
					"use 1 to 40 lower-case letters, digits and single hyphens")
			}
		case "size":
			t, _ := r.text(p.value, p.key)
			s.Size = t.Value
			r.size(t)
		case "region":
			s.Region, _ = r.text(p.value, p.key)
			s.Server.Region = s.Region.Value
		case "count":
			s.Count = r.count(p.value)
		default:
			r.unknown(p, " in a server", serverKeys)
		}
	}
	for _, key := range serverKeys[:3] {
		if n.Kind == yaml.MappingNode && !given[key] {
			r.fault("FN1110", r.place(n), fmt.Sprintf("the server has no %q", key), r.example(key))
		}
	}
	return s
}

func (r *reader) example(key string) string {
	switch key {
	case "size":
		return "add `size:`, one of " + sizeNames()
	case "region":
		return "add `region:`, such as `region: " + catalog.Regions()[0].Name + "`"
	}
	return "add `name:`, such as `name: web`"
}

func (r *reader) size(t document.Text) {
	if _, ok := catalog.LookupSize(t.Value); ok || t.Place.Line == 0 {
		return
	}
	var known []string
	for _, s := range catalog.Sizes() {
		known = append(known, s.Name)
	}
	help := "the sizes are " + sizeNames()
	if near := diag.Nearest(t.Value, known); near != "" && len(t.Value) > 1 {
		help = "did you mean `" + near + "`? " + help
	}
	r.fault("FN1111", t.Place, fmt.Sprintf("unknown size %q", t.Value), help)
}

func sizeNames() string {
	var known []string
	for _, s := range catalog.Sizes() {
		known = append(known, s.Name)
	}
	return strings.Join(known, ", ")
}

func (r *reader) count(n *yaml.Node) int {
	c, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil {
		r.fault("FN1106", r.place(n), "\"count\" must be a whole number, not "+describe(n), "write `count: 2`")
		return 1
	}
	if c < 1 || c > ir.MaxCount {
		r.fault("FN1112", r.place(n), fmt.Sprintf("\"count\" is %d; it may be 1 to %d", c, ir.MaxCount), "to stop paying for a server, remove its entry")
	}
	return c
}

// functions reads the overrides. What each option means is for package resolve.
func (r *reader) functions(p pair) []Override {
	if p.value.Tag == "!!null" {
		return nil
	}
	var out []Override
	for _, fn := range r.mapping(p.value, "\"functions\"") {
		o := Override{Function: document.Text{Value: fn.key, Place: fn.at}}
		if fn.value.Tag != "!!null" {
			for _, opt := range r.mapping(fn.value, fmt.Sprintf("the options of %q", fn.key)) {
				o.Options = append(o.Options, Option{Name: opt.key, Place: opt.at, Value: r.constant(opt)})
			}
		}
		out = append(out, o)
	}
	return out
}

// constant reads an option's value.
func (r *reader) constant(p pair) literal.Value {
	v := literal.Value{Place: r.place(p.value)}
	n := p.value
	if n.Kind != yaml.ScalarNode {
		r.fault("FN1106", v.Place, fmt.Sprintf("%q must be a single value, not %s", p.key, describe(n)), "write one value")
		return v
	}
	var err error
	switch n.Tag {
	case "!!str":
		v.Kind, v.Str = literal.Str, n.Value
	case "!!null":
		v.Kind = literal.None
	case "!!bool":
		v.Kind, v.Bool = literal.Bool, strings.EqualFold(n.Value, "true")
	case "!!int":
		v.Kind = literal.Int
		v.Int, err = strconv.ParseInt(strings.ReplaceAll(n.Value, "_", ""), 0, 64)
	case "!!float":
		v.Kind = literal.Float
		v.Float, err = strconv.ParseFloat(n.Value, 64)
	}
	if v.Kind == literal.Bad || err != nil {
		v.Kind = literal.Bad
		r.fault("FN1106", v.Place, fmt.Sprintf("the value of %q cannot be read as text, number or true/false", p.key), "quote it to make it text")
	}
	return v
}
