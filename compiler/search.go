package compiler

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/discover"
	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/source"
)

// found is what the Python files of a tree hold.
type found struct {
	uses  []discover.Use
	apps  []discover.App
	needs []discover.Needs
	env   []discover.EnvRead
	// settings are the modules of settings that files name for Django.
	settings []discover.DjangoSettings
	// sqlite are the SQLite files in the tree that the code names.
	sqlite []discover.SQLiteFile
	// imports are where files import fngen.
	imports []literal.Place
	diags   diag.List
}

// search reads every .py file, several at a time, and puts the results in the
// order of the files. Syntax is checked in all of them, since a file with Powers
// may import any other; Powers are taken from entry only when it is given.
func search(ctx context.Context, tree source.Tree, entry string) found {
	var files []string
	for _, f := range tree.Files {
		if strings.HasSuffix(f.Path, ".py") {
			files = append(files, f.Path)
		}
	}
	modules := make([]*discover.Module, len(files))
	var next atomic.Int64
	var group errgroup.Group
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		group.Go(func() error {
			r := reader{fsys: tree.FS}
			for i := int(next.Add(1)) - 1; i < len(files) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				modules[i] = r.scan(files[i])
			}
			return nil
		})
	}
	_ = group.Wait() // no worker fails: what is wrong is in the modules
	readAgain(ctx, tree.FS, files, modules, entry)
	var out found
	for _, m := range modules {
		if m == nil {
			continue // interrupted
		}
		out.env, out.settings = append(out.env, m.Env...), append(out.settings, m.Settings...)
		out.sqlite = append(out.sqlite, m.SQLite...)
		if m.Needs.Minor > 0 {
			out.needs = append(out.needs, m.Needs)
		}
		if entry != "" && m.File != entry {
			out.diags = append(out.diags, m.Broken()...)
			continue
		}
		if m.Import.Line > 0 {
			out.imports = append(out.imports, m.Import)
		}
		out.uses = append(out.uses, m.Uses...)
		out.apps = append(out.apps, m.Apps...)
		out.diags = append(out.diags, m.Diagnostics...)
	}
	return out
}

// tooNew reports syntax that the project's Python does not have yet. It would
// fail only when the file is imported.
func tooNew(needs []discover.Needs, python string) diag.List {
	var diags diag.List
	for _, n := range needs {
		if n.Minor <= minor(python) {
			continue
		}
		diags.Add(diag.Diagnostic{
			Code: "FN1217", File: n.Place.File, Line: n.Place.Line, Column: n.Place.Column, Width: n.Place.Width,
			Message: fmt.Sprintf("this syntax, %s, is new in Python 3.%d; the project runs on %s", n.What, n.Minor, python),
			Help:    fmt.Sprintf("write it in the older way, or set `python: \"3.%d\"` in fngen.yml where the platform has it", n.Minor),
		})
	}
	return diags
}
