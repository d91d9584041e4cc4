// Package resolve turns what was read from a tree into the project that it
// means: every default filled in, every name checked, every fault reported.
//
// One file holds one Power. Nothing of a person's text leaves here for a job, a
// route or a path without having passed a check of this package or of ir.
package resolve

import (
	"cmp"
	"fmt"
	"slices"

	"fngen.dev/fngen/compiler/config"
	"fngen.dev/fngen/compiler/config/dependencies"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/discover"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/source"
)

// Input is everything that the other phases read.
type Input struct {
	// Project is the name from the command line, or empty.
	Project string
	Config  *config.File
	Tree    source.Tree
	Uses    []discover.Use
	Apps    []discover.App
	Env     []discover.EnvRead
	// Imports are where files import fngen.
	Imports []literal.Place
	// Settings are the modules of settings that files name for Django.
	Settings []discover.DjangoSettings
	// SQLite are the SQLite files in the tree that the code names.
	SQLite []discover.SQLiteFile
	// Faulty says that a Python file has faults: a Power may be in what could not
	// be read, so that none was found says nothing.
	Faulty bool
	// Entry limits the Powers to one file when it is not empty.
	Entry        string
	Python       string
	Requirements *dependencies.Requirements
	// Regions are those of the platform; DefaultRegion is one of them.
	Regions       []string
	DefaultRegion string
	// Powers are those of the platform.
	Powers []string
	// Domain is the suffix of the platform's own hosts; empty when it is not known.
	Domain string
}

// Project resolves the input. The project is only to be used when the list has
// no errors.
func Project(in Input) (*ir.Project, diag.List) {
	r := &resolver{in: in, domains: map[string]discover.Use{}}
	uses := slices.Clone(in.Uses)
	slices.SortStableFunc(uses, func(a, b discover.Use) int {
		return cmp.Or(cmp.Compare(a.Place.File, b.Place.File), cmp.Compare(a.Line, b.Line))
	})
	p := &ir.Project{
		Version: ir.Version, Name: r.projectName(), Python: in.Python,
		Servers: r.servers(), Functions: []ir.Function{}, TreeGB: int(in.Tree.Size() / 1e9),
	}
	r.fleet = p.Servers
	if len(uses) == 0 && !in.Faulty {
		r.noPowers()
	}
	for _, u := range uses {
		if fn, ok := r.function(u); ok {
			p.Functions = append(p.Functions, fn)
		}
	}
	r.overridesUsed(uses)
	r.uniqueNames(uses)
	r.shadowedSDK()
	r.hosts(p, uses)
	r.django(p)
	r.sqlite(p)
	p.Dependencies = installed(in.Requirements, in.Python, p.Functions)
	p.Env = environment(in.Env, uses)
	r.frameworksInstalled(uses)
	return p, r.diags
}

type resolver struct {
	in    Input
	diags diag.List
	// fleet are the servers that every function runs on.
	fleet []ir.Server
	// domains are those that functions have taken, by host name.
	domains map[string]discover.Use
}

func (r *resolver) fault(code string, at literal.Place, msg, help string, notes ...diag.Note) {
	r.diags.Add(diag.Diagnostic{Code: code, Message: msg, Help: help, Notes: notes,
		File: at.File, Line: at.Line, Column: at.Column, Width: at.Width})
}

func noteAt(msg string, at literal.Place) diag.Note {
	return diag.Note{Message: msg, File: at.File, Line: at.Line, Column: at.Column}
}

func (r *resolver) projectName() string {
	if r.in.Project == "" || r.in.Project == r.in.Config.Project.Value {
		return r.in.Config.Project.Value // judged where it stands
	}
	if !ir.ValidProjectName(r.in.Project) {
		r.fault("FN1301", literal.Place{}, fmt.Sprintf("%q cannot be the name of a project", r.in.Project), config.ProjectNameHelp)
	}
	return r.in.Project
}

// function judges one use by its Power.
func (r *resolver) function(u discover.Use) (ir.Function, bool) {
	fn := ir.Function{
		Name: u.Function, File: u.At.File, Line: u.Line, Doc: u.Doc, Parameters: u.Parameters,
	}
	if fn.Parameters == nil {
		fn.Parameters = []ir.Parameter{}
	}
	before := len(r.diags)
	r.checkName(u)
	r.checkPath(u)
	if r.available(u) {
		powers[u.Power].resolve(r, &fn, u)
	}
	return fn, !r.diags[before:].HasErrors()
}
