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
		r.fault("FN1319", literal.Place{File: r.in.Entry}, msg,
			"mark a function that returns your web app:\n\n"+lines("fastapi", "app"))
		return
	}
	app := r.in.Apps[0]
	var notes []diag.Note
	for _, a := range r.in.Apps {
		notes = append(notes, noteAt(fmt.Sprintf("%q is a %s app", a.Name, a.Framework), a.Place))
	}
	r.fault("FN1319", literal.Place{File: app.Place.File}, msg,
		"add to "+app.Place.File+":\n\n"+lines(app.Framework, app.Name), notes...)
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
