// Package config reads what a tree says about itself beside its code: fngen.yml and
// the Python version. What is to be installed is for package dependencies.
//
// fngen.yml is read strictly and by its nodes, so that every fault is reported
// at once and with its place. reference.yml is the manual page of the file; a
// test holds that it names every key.
package config

import (
	_ "embed"

	"fngen.dev/fngen/compiler/config/document"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/source"
)

// Reference is the manual page: a whole fngen.yml, its keys explained by comments.
//
//go:embed reference.yml
var Reference []byte

// File is fngen.yml. Its zero value is that of a tree without one.
type File struct {
	// Path is the file's name, empty when there is none.
	Path    string
	Project document.Text
	Python  document.Text
	Servers []Server
	// Functions are overrides, in the order of the file.
	Functions []Override
}

// Server is one entry of servers:, empty where it was at fault. Whether the
// platform has servers in its region is for package resolve.
type Server struct {
	ir.Server
	Place  literal.Place
	Region document.Text
}

// Override are options of one function that take the place of its decorator's.
type Override struct {
	Function document.Text
	Options  []Option
}

// Option is one option of an override.
type Option struct {
	Name  string
	Place literal.Place
	Value literal.Value
}

// names of the file; the second is for people with the other habit.
var names = []string{"fngen.yml", "fngen.yaml"}

// Load reads fngen.yml from the root of the tree.
func Load(tree source.Tree) (*File, diag.List) {
	var diags diag.List
	var found []string
	for _, name := range names {
		if document.In(tree, name) {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		return &File{}, nil
	}
	if len(found) > 1 {
		diags.Add(diag.Diagnostic{Code: "FN1101", File: found[1], Message: "the tree has both fngen.yml and fngen.yaml",
			Notes: []diag.Note{{Message: "the other one", File: found[0]}}, Help: "keep one of them"})
	}
	data, ok := document.Read(tree, found[0], &diags)
	if !ok {
		return &File{Path: found[0]}, diags
	}
	file, more := parse(found[0], data)
	return file, append(diags, more...)
}
