package deploy

import (
	"fmt"
	"regexp"
	"strings"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/config"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/source"
)

// blame finds the requirements that uv's words are about, where they stand. When
// it finds none, the first file as a whole is at fault.
func blame(tree source.Tree, files []string, output []string) diag.List {
	var list diag.List
	words := " " + strings.Join(strings.Fields(strings.ToLower(strings.Join(output, " "))), " ") + " "
	project, _ := config.LoadPyproject(tree)
	requirements, _ := config.ReadRequirements(tree, project)
	for _, p := range requirements.Packages {
		if !mentions(words, p.Name) {
			continue
		}
		list.Add(diag.Diagnostic{
			Code: "FN2001", Message: fmt.Sprintf("the requirement %q cannot be installed", p.Name),
			File: p.Place.File, Line: p.Place.Line, Column: p.Place.Column, Width: p.Place.Width, Help: "see uv's words above",
		})
	}
	if len(list) == 0 && len(files) > 0 {
		list.Add(diag.Diagnostic{Code: "FN2001", Message: "the requirements cannot be installed", File: files[0], Help: "see uv's words above"})
	}
	return compiler.AddExcerpts(tree, list)
}

// mentions reports whether a normalised name stands in the text as a word.
func mentions(text, name string) bool {
	word := regexp.MustCompile(`[^a-z0-9._-]` + regexp.QuoteMeta(name) + `([^a-z0-9._-]|[._-]?[ ,:;])`)
	return word.MatchString(text)
}
