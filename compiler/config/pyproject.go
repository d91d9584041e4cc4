package config

import (
	"fmt"
	"strings"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/source"
)

// Far beyond any real file; they keep a hostile one cheap.
const (
	maxPyproject = 1 << 20
	maxLock      = 16 << 20
)

// Pyproject is what pyproject.toml and a uv.lock beside it say. Its zero value is
// that of a tree without them.
type Pyproject struct {
	// table and lock are nil when the file is missing or broken.
	table, lock *tomlValue
}

// LoadPyproject reads pyproject.toml from the root of the tree, and uv.lock unless
// a requirements.txt takes its place.
func LoadPyproject(tree source.Tree) (*Pyproject, diag.List) {
	var diags diag.List
	p := &Pyproject{table: loadTOML(tree, "pyproject.toml", maxPyproject, &diags)}
	if has(tree, "requirements.txt") {
		return p, diags
	}
	p.lock = loadTOML(tree, "uv.lock", maxLock, &diags)
	switch {
	case p.lock == nil:
	case !has(tree, "pyproject.toml"):
		diags.Add(diag.Diagnostic{Code: "FN1125", File: "uv.lock", Message: "uv.lock ships without the pyproject.toml that it belongs to",
			Help: "put pyproject.toml beside it; `fngen files --explain pyproject.toml` says why one does not ship"})
		p.lock = nil
	case p.table != nil && p.table.get("project") == nil:
		diags.Add(diag.Diagnostic{Code: "FN1125", File: "pyproject.toml", Message: "pyproject.toml has no [project], so uv.lock says nothing about this code",
			Help: "push the directory of one member of the workspace, or list what the code needs in a requirements.txt"})
		p.lock = nil
	}
	return p, diags
}

func loadTOML(tree source.Tree, name string, limit int, diags *diag.List) *tomlValue {
	if !has(tree, name) {
		return nil
	}
	data, ok := read(tree, name, diags)
	if !ok {
		return nil
	}
	if len(data) > limit {
		diags.Add(diag.Diagnostic{Code: "FN1120", File: name, Message: fmt.Sprintf("the file is larger than %d KiB", limit>>10), Help: "keep data in a file of its own"})
		return nil
	}
	root, err := parseTOML(name, data)
	if err != nil {
		help := "correct the syntax; it is described at https://toml.io"
		if name == "uv.lock" {
			help = "run `uv lock` to write it anew"
		}
		diags.Add(diag.Diagnostic{Code: "FN1120", File: name, Line: err.place.Line, Column: err.place.Column, Width: err.place.Width,
			Message: "the file is not TOML: " + err.msg, Help: help})
		return nil
	}
	return root
}

// requiresPython is the versions that the tree's own metadata allows.
func (p *Pyproject) requiresPython() Text {
	if t := p.table.text("project", "requires-python"); t.Value != "" {
		return t
	}
	return p.lock.text("requires-python")
}

// dependencies are the strings of [project] dependencies.
func (p *Pyproject) dependencies(diags *diag.List) []Text {
	list := p.table.get("project", "dependencies")
	if list == nil {
		return nil
	}
	fault := func(v *tomlValue, what string) {
		diags.Add(diag.Diagnostic{Code: "FN1121", File: v.place.File, Line: v.place.Line, Column: v.place.Column, Width: v.place.Width,
			Message: what, Help: "write, for example, `dependencies = [\"fastapi>=0.100\"]`"})
	}
	if list.kind != tomlArray {
		fault(list, fmt.Sprintf("\"dependencies\" must be an array of texts, not %s", list.kind))
		return nil
	}
	var out []Text
	for _, item := range list.items {
		if item.kind != tomlString {
			fault(item, fmt.Sprintf("a dependency must be text, not %s", item.kind))
			continue
		}
		out = append(out, Text{item.str, item.place})
	}
	return out
}

// dynamic reports whether the build backend says what the dependencies are.
func (p *Pyproject) dynamic() bool {
	list := p.table.get("project", "dynamic")
	if list == nil {
		return false
	}
	for _, item := range list.items {
		if item.str == "dependencies" {
			return true
		}
	}
	return false
}

// foreign is where another tool than uv and pip keeps the dependencies.
func (p *Pyproject) foreign() (tool string, at literal.Place) {
	for _, t := range []struct {
		tool string
		keys []string
	}{
		{"Poetry", []string{"tool", "poetry", "dependencies"}},
		{"Flit", []string{"tool", "flit", "metadata", "requires"}},
	} {
		v := p.table.get(t.keys...)
		if v == nil {
			continue
		}
		needs := len(v.items)
		for _, k := range v.keys {
			if !strings.EqualFold(k.name, "python") {
				needs++
			}
		}
		if needs > 0 {
			return t.tool, v.place
		}
	}
	return "", literal.Place{}
}
