// Package schema writes the JSON Schema by which editors check and complete
// fngen.yml.
//
// It is made of what the validator itself reads: the catalog, the forms of names
// and options, and for descriptions the comments of the manual page. What a schema
// cannot say (unique names of servers, anchors, keys that stand twice, which
// functions there are) is left to `fngen compile`. Draft 7 is the newest that the
// YAML servers of editors know whole.
package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/catalog"
	"fngen.dev/fngen/compiler/config"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/resolve"
)

// node is one schema; its fields are the keywords of the specification.
type node struct {
	Schema        string           `json:"$schema,omitempty"`
	Title         string           `json:"title,omitempty"`
	Description   string           `json:"description,omitempty"`
	Type          []string         `json:"type,omitempty"`
	Enum          []string         `json:"enum,omitempty"`
	Pattern       string           `json:"pattern,omitempty"`
	Not           *node            `json:"not,omitempty"`
	AnyOf         []*node          `json:"anyOf,omitempty"`
	Minimum       *int             `json:"minimum,omitempty"`
	Maximum       *int             `json:"maximum,omitempty"`
	Default       json.RawMessage  `json:"default,omitempty"`
	Items         *node            `json:"items,omitempty"`
	MinItems      int              `json:"minItems,omitempty"`
	Required      []string         `json:"required,omitempty"`
	PropertyNames *node            `json:"propertyNames,omitempty"`
	Properties    map[string]*node `json:"properties,omitempty"`
	// Additional is false for a closed map, or a schema of the other values.
	Additional json.RawMessage `json:"additionalProperties,omitempty"`
}

var closed = json.RawMessage("false")

// JSON is the schema of fngen.yml as an indented document.
func JSON() ([]byte, error) {
	texts, err := descriptions(config.Reference)
	if err != nil {
		return nil, err
	}
	root, err := file(texts)
	if err != nil {
		return nil, err
	}
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	return append(out, '\n'), nil
}

func file(texts map[string]string) (*node, error) {
	functions, err := functions(texts)
	if err != nil {
		return nil, err
	}
	return &node{
		Schema: "http://json-schema.org/draft-07/schema#",
		Title:  "fngen.yml", Description: "What fngen reads beside the code: project, Python, servers, options of functions.",
		Type: []string{"object", "null"}, Additional: closed,
		Properties: map[string]*node{
			"project": {
				Description: texts["project"], Type: []string{"string"}, Pattern: ir.ProjectNameForm,
				Not: &node{AnyOf: []*node{{Pattern: "--"}, {Enum: ir.ReservedNames()}}},
			},
			"python": {Description: texts["python"], Type: []string{"string"}, Pattern: config.PythonPattern},
			"servers": {
				Description: texts["servers"], Type: []string{"array"}, MinItems: 1, Items: server(texts),
			},
			"functions": functions,
		},
	}, nil
}

func server(texts map[string]string) *node {
	var sizes, table, regions []string
	for _, s := range catalog.Sizes() {
		sizes = append(sizes, s.Name)
		table = append(table, fmt.Sprintf("- %s: %d vCPU, %d MB memory, %d GB disk, %g USD a month", s.Name, s.VCPU, s.MemoryMB, s.DiskGB, s.USDMonth))
	}
	for _, r := range catalog.Regions() {
		regions = append(regions, r.Name)
	}
	return &node{
		Type: []string{"object"}, Additional: closed, Required: []string{"name", "size", "region"},
		Properties: map[string]*node{
			"name": {
				Description: texts["servers.name"], Type: []string{"string"}, Pattern: ir.ServerNameForm, Not: &node{Pattern: "--"},
			},
			"size":   {Description: texts["servers.size"] + "\n\n" + strings.Join(table, "\n"), Type: []string{"string"}, Enum: sizes},
			"region": {Description: texts["servers.region"], Type: []string{"string"}, Enum: regions},
			"count": {
				Description: texts["servers.count"], Type: []string{"integer"}, Minimum: new(1), Maximum: new(ir.MaxCount), Default: json.RawMessage("1"),
			},
		},
	}
}

// functions takes the options of every Power for every function: a schema does
// not see which Power a function has.
func functions(texts map[string]string) (*node, error) {
	options := map[string]*node{}
	for _, power := range slices.Sorted(maps.Keys(resolve.Forms())) {
		forms := resolve.Forms()[power]
		for _, name := range slices.Sorted(maps.Keys(forms)) {
			options[name] = either(options[name], option(forms[name], texts["functions."+name]))
		}
	}
	one, err := json.Marshal(&node{Type: []string{"object", "null"}, Additional: closed, Properties: options})
	if err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	return &node{
		Description: texts["functions"], Type: []string{"object", "null"},
		PropertyNames: &node{Pattern: ir.FunctionNameForm}, Additional: one,
	}, nil
}

// either is for an option that two Powers have, of different forms perhaps.
func either(a, b *node) *node {
	if a == nil || reflect.DeepEqual(a, b) {
		return b
	}
	out := &node{Description: a.Description, AnyOf: append(slices.Clone(a.AnyOf), b)}
	if len(a.AnyOf) == 0 {
		out.AnyOf = []*node{a, b}
	}
	return out
}

var typeOf = map[literal.Kind]string{
	literal.Str: "string", literal.Int: "integer", literal.Float: "number", literal.Bool: "boolean", literal.None: "null",
}

func option(f resolve.Form, description string) *node {
	n := &node{Description: description, Enum: f.Enum, Pattern: f.Pattern}
	for _, k := range f.Kinds {
		n.Type = append(n.Type, typeOf[k])
	}
	if f.Not != "" {
		// A pattern holds for everything that is no text.
		n.Not = &node{Type: []string{"string"}, Pattern: f.Not}
	}
	if f.Bounds != nil {
		n.Minimum, n.Maximum = &f.Bounds[0], &f.Bounds[1]
	}
	if f.Default != "" {
		n.Default = json.RawMessage(f.Default)
	}
	return n
}
