// Package dependencies reads what a tree says is to be installed: requirement files,
// pyproject.toml, the lock files and manifests of uv, Poetry, PDM and Pipenv, and
// pylock.toml.
package dependencies

import (
	"fmt"
	"strings"

	"fngen.dev/fngen/compiler/config/document"
	"fngen.dev/fngen/compiler/config/pep"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/source"
)

// Far beyond any real file; they keep a hostile one cheap.
const (
	maxPyproject = 1 << 20
	maxLock      = 16 << 20
)

// Pyproject is what pyproject.toml says, or the file that is read in its place: a
// lock, a Pipfile. Its zero value is that of a tree without them.
type Pyproject struct {
	// from is the file of Order that says what to install, or empty.
	from string
	// table, lock and pipfile are nil when the file is missing, broken or not read.
	table, lock, pipfile *document.Value
}

// LoadPyproject reads pyproject.toml from the root of the tree, and the lock file or
// Pipfile that says what to install.
func LoadPyproject(tree source.Tree) (*Pyproject, diag.List) {
	var diags diag.List
	p := &Pyproject{table: loadTOML(tree, "pyproject.toml", maxPyproject, &diags)}
	p.from = p.choose(tree)
	if p.from == "Pipfile" || p.from == "Pipfile.lock" {
		p.pipfile = loadTOML(tree, "Pipfile", maxPyproject, &diags)
	}
	p.loadLock(tree, &diags)
	return p, diags
}

func loadTOML(tree source.Tree, name string, limit int, diags *diag.List) *document.Value {
	if !document.In(tree, name) {
		return nil
	}
	data, ok := document.Read(tree, name, diags)
	if !ok {
		return nil
	}
	if len(data) > limit {
		diags.Add(diag.Diagnostic{Code: "FN1120", File: name, Message: fmt.Sprintf("the file is larger than %d KiB", limit>>10), Help: "keep data in a file of its own"})
		return nil
	}
	root, err := document.TOML(name, data)
	if err != nil {
		help := "correct the syntax; it is described at https://toml.io"
		if command := relock[name]; command != "" {
			help = "run `" + command + "` to write it anew"
		}
		diags.Add(diag.Diagnostic{Code: "FN1120", File: name, Line: err.Place.Line, Column: err.Place.Column, Width: err.Place.Width,
			Message: "the file is not TOML: " + err.Msg, Help: help})
		return nil
	}
	return root
}

// Locked reports whether a lock file says what to install.
func (p *Pyproject) Locked() bool { return p.lock != nil }

// RequiresPython is the versions that the tree's own metadata allows, as PEP 440
// writes them.
func (p *Pyproject) RequiresPython() document.Text {
	if t := p.table.Text("project", "requires-python"); t.Value != "" {
		return t
	}
	if t := p.poetryTable().Text("python"); t.Value != "" {
		return document.Text{Value: poetryPython(t.Value), Place: t.Place}
	}
	if p.pipfile != nil {
		return pipfilePython(p.pipfile)
	}
	return p.lock.Text("requires-python")
}

// poetryPython is a constraint of Poetry's on Python: of alternatives the last,
// which is about the newest. What cannot be read is left as it is.
func poetryPython(text string) string {
	list := pythonAlternatives(text)
	return list[len(list)-1]
}

func pythonAlternatives(text string) []string {
	alternatives, ok := pep.PoetryConstraint(text)
	if !ok {
		return []string{text}
	}
	var out []string
	for _, list := range alternatives {
		out = append(out, strings.Join(list, ","))
	}
	return out
}

// dependencies are the strings of [project] dependencies.
func (p *Pyproject) dependencies(diags *diag.List) []document.Text {
	list := p.table.Get("project", "dependencies")
	if list == nil {
		return nil
	}
	fault := func(v *document.Value, what string) {
		diags.Add(diag.Diagnostic{Code: "FN1121", File: v.Place.File, Line: v.Place.Line, Column: v.Place.Column, Width: v.Place.Width,
			Message: what, Help: "write, for example, `dependencies = [\"fastapi>=0.100\"]`"})
	}
	if list.Kind != document.Array {
		fault(list, fmt.Sprintf("\"dependencies\" must be an array of texts, not %s", list.Kind))
		return nil
	}
	var out []document.Text
	for _, item := range list.Items {
		if item.Kind != document.String {
			fault(item, fmt.Sprintf("a dependency must be text, not %s", item.Kind))
			continue
		}
		out = append(out, document.Text{Value: item.Str, Place: item.Place})
	}
	return out
}

// dynamic reports whether the build backend says what the dependencies are.
func (p *Pyproject) dynamic() bool {
	list := p.table.Get("project", "dynamic")
	if list == nil {
		return false
	}
	for _, item := range list.Items {
		if item.Str == "dependencies" {
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
		{"Flit", []string{"tool", "flit", "metadata", "requires"}},
	} {
		v := p.table.Get(t.keys...)
		if v == nil {
			continue
		}
		needs := len(v.Items)
		for _, k := range v.Keys {
			if !strings.EqualFold(k.Name, "python") {
				needs++
			}
		}
		if needs > 0 {
			return t.tool, v.Place
		}
	}
	return "", literal.Place{}
}
