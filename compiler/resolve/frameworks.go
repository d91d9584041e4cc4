package resolve

import (
	"fmt"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/catalog"
	"fngen.dev/fngen/compiler/config/dependencies"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/discover"
	"fngen.dev/fngen/compiler/imports"
	"fngen.dev/fngen/compiler/literal"
)

// frameworksInstalled compares the frameworks of the functions with what the tree
// asks to install: one that is missing would only be seen when the function starts.
// Another package may bring it, unless the tree lists every package there is.
func (r *resolver) frameworksInstalled(uses []discover.Use) {
	if len(r.in.Requirements.Files) == 0 || r.in.Requirements.Partial {
		return // the platform provides it, or nobody knows
	}
	have := map[string]bool{}
	for _, p := range r.in.Requirements.Packages {
		have[p.Name] = true
	}
	said := map[string]bool{}
	for _, u := range uses {
		v := r.framework(u)
		if v.Kind != literal.Str || said[v.Str] {
			continue
		}
		f, _ := catalog.LookupFramework(v.Str)
		if f.Packages == nil || slices.ContainsFunc(f.Packages, func(p string) bool { return have[p] }) {
			continue
		}
		said[v.Str] = true
		r.frameworkMissing(v, f.Packages[0])
	}
}

// framework is the option as fngen.yml or the decorator gives it.
func (r *resolver) framework(u discover.Use) literal.Value {
	if u.Power != "webapp" {
		return literal.Value{}
	}
	for _, o := range r.in.Config.Functions {
		for _, opt := range o.Options {
			if o.Function.Value == u.Function && opt.Name == "framework" {
				return opt.Value
			}
		}
	}
	for i, a := range u.Args {
		if a.Name == "framework" || i == 0 && a.Name == "" {
			return a.Value
		}
	}
	return literal.Value{}
}

func (r *resolver) frameworkMissing(v literal.Value, name string) {
	req := r.in.Requirements
	d := diag.Diagnostic{Code: "FN1340", File: v.Place.File, Line: v.Place.Line, Column: v.Place.Column, Width: v.Place.Width,
		Message: fmt.Sprintf("%q is not among the requirements", name),
		Notes:   append([]diag.Note{{Message: "they are read from here", File: req.Files[0]}}, nearName(name, req.Packages)...),
	}
	d.Help = imports.HowToAdd(name, req.Files, nil)
	if !req.Closed {
		d.Severity = diag.Warning
		d.Help += "; a package that brings it along does as well"
	}
	r.diags.Add(d)
}

// nearName finds a requirement that is likely the framework with a slip of the
// pen. "black" is no misspelt "flask": the first letter is rarely wrong.
func nearName(name string, among []dependencies.Package) []diag.Note {
	var bare []string
	for _, p := range among {
		plain := strings.ReplaceAll(p.Name, "-", "")
		if plain == "" || plain[0] != name[0] {
			plain = "" // near nothing
		}
		bare = append(bare, plain)
	}
	near := diag.Nearest(name, bare)
	if i := slices.Index(bare, near); near != "" && i >= 0 {
		return []diag.Note{noteAt(fmt.Sprintf("%q is another package; did you mean %q?", among[i].Name, name), among[i].Place)}
	}
	return nil
}
