// Package compiler turns a tree of Python files into the project that it means.
//
// It only puts the phases in order: config reads fngen.yml and requirements,
// discover finds Powers in the code, resolve makes the project of both. All of
// them report what is wrong and go on, so that one run shows every fault. The
// same tree gives the same project on a laptop and in the control plane.
package compiler

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"fngen.dev/fngen/compiler/catalog"
	"fngen.dev/fngen/compiler/config"
	"fngen.dev/fngen/compiler/config/dependencies"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/resolve"
	"fngen.dev/fngen/compiler/source"
)

// Target is what a platform has. Its zero value has every region of the catalog,
// the first of them as default, Python 3.11, and every Power that compiles.
type Target struct {
	Regions       []string
	DefaultRegion string
	// Domain is the suffix of the platform's own hosts; empty when it is not known.
	Domain string
	// Pythons are language versions such as "3.11".
	Pythons []string
	// Powers are the names of decorators, such as "webapp".
	Powers []string
}

// Input is one tree and how it is to be read.
type Input struct {
	Tree source.Tree
	// Project is the name from the command line, or empty.
	Project string
	// Entry limits the Powers to this file; empty takes those of all files.
	Entry  string
	Target Target
}

// maxDiagnostics of a tree are reported: nobody reads more, and a hostile tree
// must not make the control plane carry them.
const maxDiagnostics = 1000

// Compile resolves a tree. The project is nil exactly when the list, which is
// sorted, has errors. Its name is Input.Project, else that of fngen.yml, else
// empty, and then its web apps have no hosts yet.
func Compile(ctx context.Context, in Input) (*ir.Project, diag.List) {
	target := in.Target.withDefaults()
	file, diags := config.Load(in.Tree)
	metadata, more := dependencies.LoadPyproject(in.Tree)
	diags = append(diags, more...)
	python, more := config.Python(in.Tree, file, metadata, target.Pythons)
	diags = append(diags, more...)
	requirements, more := dependencies.ReadRequirements(in.Tree, metadata, python)
	diags = append(diags, more...)
	found := search(ctx, in.Tree, in.Entry)
	diags = append(append(diags, found.diags...), tooNew(found.needs, python)...)
	if ctx.Err() != nil {
		diags.Add(diag.Diagnostic{Code: "FN1000", Message: "interrupted", Help: "run it again"})
		return nil, diags
	}
	project, more := resolve.Project(resolve.Input{
		Project: in.Project, Config: file, Tree: in.Tree, Uses: found.uses, Apps: found.apps, Env: found.env, Imports: found.imports, Settings: found.settings, SQLite: found.sqlite, Faulty: found.diags.HasErrors(), Entry: in.Entry,
		Python: python, Requirements: requirements, Regions: target.Regions, DefaultRegion: target.DefaultRegion,
		Powers: target.Powers, Domain: target.Domain,
	})
	diags = append(diags, more...).Sorted()
	if len(diags) > maxDiagnostics {
		diags = diags[:maxDiagnostics:maxDiagnostics]
	}
	AddExcerpts(in.Tree, diags)
	if diags.HasErrors() {
		return nil, diags
	}
	return project, diags
}

func (t Target) withDefaults() Target {
	if len(t.Regions) == 0 {
		for _, r := range catalog.Regions() {
			t.Regions = append(t.Regions, r.Name)
		}
	}
	if t.DefaultRegion == "" {
		t.DefaultRegion = t.Regions[0]
	}
	if len(t.Pythons) == 0 {
		t.Pythons = []string{"3.11"}
	}
	if len(t.Powers) == 0 {
		t.Powers = resolve.Powers()
	}
	t.Pythons = slices.Clone(t.Pythons)
	slices.SortFunc(t.Pythons, func(a, b string) int { return minor(a) - minor(b) })
	return t
}

// minor orders "3.9" before "3.10".
func minor(version string) int {
	_, after, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(after)
	return n
}
