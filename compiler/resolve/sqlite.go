package resolve

import (
	"fmt"
	"slices"
	"strconv"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/discover"
	"fngen.dev/fngen/compiler/ir"
)

// sqlite warns, once, of a SQLite file in the tree. Every start of an instance
// begins with what was pushed, so that people would find their data gone, and
// other data on each instance. Reading finds where it is named, not whether it
// matters: hence a warning.
func (r *resolver) sqlite(p *ir.Project) {
	used := r.sqliteUsed(p)
	if len(used) == 0 {
		return
	}
	first := used[0]
	file := "a SQLite file in the tree"
	if first.Name != "" {
		file = strconv.Quote(first.Name) + ", a SQLite file in the tree"
	}
	msg := "the database is " + file + ": its data goes with each push and each restart, and every instance has another"
	if first.Otherwise {
		msg = "unless the environment names another, " + msg
	}
	d := diag.Diagnostic{Code: "FN1331", Severity: diag.Warning, Message: msg,
		Help: "keep what must last in a database server, and take its address from an environment variable; what may be lost can stay",
		File: first.Place.File, Line: first.Place.Line, Column: first.Place.Column, Width: first.Place.Width}
	for _, f := range p.Functions {
		if f.WebApp != nil && f.WebApp.Release != "" {
			d.Notes = append(d.Notes, diag.Note{
				Message: fmt.Sprintf("the release command of %q writes to a copy of its own, which no instance ever sees", f.Name), File: f.File, Line: f.Line,
			})
		}
	}
	r.diags.Add(d)
}

// sqliteUsed are the files that functions will open as far as is known: of
// Django's, those of the settings that a function uses.
func (r *resolver) sqliteUsed(p *ir.Project) []discover.SQLiteFile {
	type statement struct {
		file string
		line int
	}
	var databases []statement
	var modules *discover.Modules
	for _, f := range p.Functions {
		if f.WebApp == nil || f.WebApp.Framework != "django" || len(r.in.SQLite) == 0 {
			continue
		}
		if module := r.settingsOf(f.File); module != "" {
			if modules == nil {
				modules = r.modules()
			}
			at := modules.Setting(f.File, module, "DATABASES").Place
			databases = append(databases, statement{at.File, at.Line})
		}
	}
	var out []discover.SQLiteFile
	for _, s := range r.in.SQLite {
		if !s.Django || slices.Contains(databases, statement{s.Place.File, s.Line}) {
			out = append(out, s)
		}
	}
	return out
}
