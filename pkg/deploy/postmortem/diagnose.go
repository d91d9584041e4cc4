package postmortem

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/imports"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/cause"
	"fngen.dev/fngen/pkg/deploy/power"
)

// Codes are those of the diagnostics, by what failed.
var Codes = map[cause.Kind]string{
	cause.Import: "FN2101", cause.Call: "FN2102", cause.Result: "FN2103", cause.Lifespan: "FN2104", cause.Request: "FN2105", cause.Waiting: "FN2106",
	cause.Collect: "FN2107", cause.Bind: "FN2108",
}

// Diagnose makes one diagnostic of what a function's runtime said of its failure, with
// its line of the tree, where that could be opened. failing is for how long a health
// check has failed when its rollout is given up.
func Diagnose(found *cause.Cause, f ir.Function, in imports.Input, failing time.Duration) diag.List {
	d := diag.Diagnostic{Code: "FN2100", Message: found.Message}
	if code := Codes[found.Kind]; code != "" {
		d.Code = code
	}
	at := found.Innermost()
	switch {
	case found.Kind == cause.Collect && at.File == "":
		at.File = settingsFile(in.Tree, f)
	case found.Kind == cause.Result || at.File == "":
		at = cause.Frame{File: f.File, Line: f.Line}
	}
	d.File, d.Line, d.Column, d.Width = at.File, at.Line, at.Column, at.Width
	for _, led := range found.Causes {
		if led.Message == found.Message {
			continue // met again while it was dealt with
		}
		from := led.Innermost()
		d.Notes = append(d.Notes, diag.Note{Message: "after " + led.Message, File: from.File, Line: from.Line, Column: from.Column})
	}
	switch {
	case found.Module != "":
		var notes []diag.Note
		notes, d.Help = imports.Advice(found.Module, in)
		d.Notes = append(d.Notes, notes...)
	case found.Variable != "":
		d.Notes = append(d.Notes, diag.Note{Message: fmt.Sprintf("the environment variable %s is not set", found.Variable)})
		d.Help = fmt.Sprintf("set it, or give it a default, as in `os.environ.get(%q, \"\")`", found.Variable)
	case found.Kind == cause.Result && strings.Contains(found.Message, "returned None"):
		d.Help = "end the function with `return` and the app"
	case found.Kind == cause.Request:
		d.Notes = append(d.Notes, diag.Note{Message: fmt.Sprintf("so the health check GET %s answers 500, the same for %.0f s", power.Of(f).Health, failing.Seconds())})
	case found.Kind == cause.Waiting:
		d.Message = f.Name + " does not listen: it was still here when time was up"
		d.Notes = append(d.Notes, diag.Note{Message: "it listens when the app is made and its lifespan has started"})
	}
	var list diag.List
	list.Add(d)
	if in.Tree.FS == nil {
		return list // it could not be opened
	}
	compiler.AddExcerpts(in.Tree, list)
	about := found.Module
	if found.Kind == cause.Result {
		about = f.Name
	}
	point(&list[0], about)
	return list
}

// settingsFile is the file of the settings of a Django app, or of the app itself.
func settingsFile(tree source.Tree, f ir.Function) string {
	file := strings.ReplaceAll(power.Of(f).Settings, ".", "/") + ".py"
	if slices.ContainsFunc(tree.Files, func(other source.File) bool { return other.Path == file }) {
		return file
	}
	return f.File
}

// WithPlace is a diagnostic's message with its place.
func WithPlace(d diag.Diagnostic) string {
	if d.Line == 0 {
		return fmt.Sprintf("%s (%s)", d.Message, d.File)
	}
	return fmt.Sprintf("%s (%s:%d)", d.Message, d.File, d.Line)
}

// point finds what to underline in the excerpt: the dotted name that it is about, or
// what is there of it, else the statement where nothing is known.
func point(d *diag.Diagnostic, about string) {
	first, _, _ := strings.Cut(about, ".")
	if i := strings.Index(d.Excerpt, first); first != "" && i >= 0 {
		d.Column, d.Width = i+1, len(first)
		if strings.HasPrefix(d.Excerpt[i:], about) {
			d.Width = len(about)
		}
	}
	if d.Column > 0 || d.Excerpt == "" {
		return
	}
	text := strings.TrimLeft(d.Excerpt, " \t")
	d.Column, d.Width = len(d.Excerpt)-len(text)+1, len(strings.TrimRight(text, " \t"))
}
