package resolve

import (
	"fmt"
	"strings"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/literal"
)

// noPowers reports a tree in which nothing is marked, and prints the lines to
// add when there is an app that only lacks them.
func (r *resolver) noPowers() {
	where := "in this tree"
	if r.in.Entry != "" {
		where = "in " + r.in.Entry
	}
	msg := "no function with a Power was found " + where
	if len(r.in.Apps) == 0 {
		r.fault("FN1319", r.likelyFile(), msg,
			"mark a function that returns your web app:\n\n"+lines("fastapi", "app"))
		return
	}
	app := r.in.Apps[0]
	var notes []diag.Note
	for _, a := range r.in.Apps[1:] {
		notes = append(notes, noteAt(fmt.Sprintf("%q is a %s app too", a.Name, a.Framework), a.Place))
	}
	r.fault("FN1319", app.Place, msg,
		"add to "+app.Place.File+":\n\n"+lines(app.Framework, app.Name), notes...)
}

// likelyFile is where a person would look first: the file that was named, else
// the first Python file nearest to the root.
func (r *resolver) likelyFile() literal.Place {
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

func lines(framework, app string) string {
	return strings.Join([]string{
		"from fngen.powers import webapp",
		"",
		fmt.Sprintf("@webapp(framework='%s')", framework),
		"def live_app():",
		"    return " + app,
	}, "\n")
}
