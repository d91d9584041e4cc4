package resolve

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/discover"
	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/source"
)

// noPowers reports a tree in which nothing is marked, and prints the lines to
// add when there is an app that only lacks them. A Power that is imported and
// marks nothing is no fault by itself, for other files may take it from there;
// here it is where a person meant to have one.
func (r *resolver) noPowers() {
	where := "in this tree"
	if r.in.Entry != "" {
		where = "in " + r.in.Entry
	}
	msg := "no function with a Power was found " + where
	if len(r.in.Apps) == 0 {
		r.fault("FN1319", r.likelyFile(), msg,
			"mark a function that returns your web app:\n\n"+strings.Join(lines("fastapi", "app", nil), "\n"), r.unused()...)
		return
	}
	notes := r.unused()
	apps := slices.Clone(r.in.Apps)
	slices.SortStableFunc(apps, func(a, b discover.App) int { return cmp.Compare(rank(a), rank(b)) })
	app := apps[0]
	for _, a := range apps[1:] {
		if !a.Call {
			notes = append(notes, noteAt(fmt.Sprintf("%q is a %s app too", a.Name, a.Framework), a.Place))
		}
	}
	expression := app.Name
	if app.Call {
		expression += "()"
	}
	r.fault("FN1319", app.Place, msg,
		"add at the end of "+app.Place.File+":\n\n"+strings.Join(lines(app.Framework, expression, r.namesOf(app.Place.File)), "\n"), notes...)
}

// unused are notes of where fngen is imported.
func (r *resolver) unused() []diag.Note {
	var notes []diag.Note
	for _, at := range r.in.Imports[:min(len(r.in.Imports), 3)] {
		notes = append(notes, noteAt("fngen is imported here, and nothing is marked", at))
	}
	return notes
}

// OwnApp is what is most likely the project's own app among those that were found.
func OwnApp(apps []discover.App) (discover.App, bool) {
	if len(apps) == 0 {
		return discover.App{}, false
	}
	return slices.MinFunc(apps, func(a, b discover.App) int { return cmp.Compare(rank(a), rank(b)) }), true
}

// rank puts what is most likely the project's own app first: near the root, the
// app itself before what makes one, and last of a directory a bare function.
func rank(a discover.App) int {
	n := 3 * strings.Count(a.Place.File, "/")
	if a.Call {
		n++
	}
	if a.Bare {
		n += 2
	}
	for part := range strings.SplitSeq(path.Dir(a.Place.File), "/") {
		if slices.Contains(asideDirs, part) || part == "tests" || part == "test" {
			n += 1000
		}
	}
	return n
}

// namesOf are the names of a file, so that what is printed fits in.
func (r *resolver) namesOf(file string) map[string]string {
	src, err := source.ReadText(r.in.Tree.FS, file)
	if err != nil {
		return nil // it was read a moment ago
	}
	return discover.ModuleNames(file, src)
}

// likelyFile is where a person would look first: an import of fngen, the file
// that was named, else the first Python file nearest to the root.
func (r *resolver) likelyFile() literal.Place {
	if len(r.in.Imports) > 0 {
		return r.in.Imports[0]
	}
	best := r.in.Entry
	for _, f := range r.in.Tree.Files {
		if r.in.Entry == "" && strings.HasSuffix(f.Path, ".py") && (best == "" || strings.Count(f.Path, "/") < strings.Count(best, "/")) {
			best = f.Path
		}
	}
	if best == "" {
		return literal.Place{}
	}
	return literal.Place{File: best, Line: 1, Column: 1}
}

// lines mark a function that returns an expression, in a file that has bound
// these names.
func lines(framework, expression string, names map[string]string) []string {
	out, mark := importLines(names)
	return append(out,
		fmt.Sprintf("@%s(framework='%s')", mark, framework),
		"def "+freeName(names)+"():",
		"    return "+expression,
	)
}

// importLines are what is to be imported, if it is not yet, and the name that
// webapp then has.
func importLines(names map[string]string) ([]string, string) {
	const power, module = "fngen.powers.webapp", "fngen.powers"
	var known []string
	for name, target := range names {
		switch target {
		case power:
			known = append(known, name)
		case module:
			known = append(known, name+".webapp")
		}
	}
	if len(known) > 0 {
		slices.Sort(known)
		return nil, known[0]
	}
	if _, taken := names["webapp"]; !taken {
		return []string{"from " + module + " import webapp", ""}, "webapp"
	}
	return []string{"from " + module + " import webapp as fngen_webapp", ""}, "fngen_webapp"
}

// freeName is a name for the function that the file does not have.
func freeName(names map[string]string) string {
	name := "live_app"
	for n := 2; ; n++ {
		if _, taken := names[name]; !taken {
			return name
		}
		name = fmt.Sprintf("live_app_%d", n)
	}
}
