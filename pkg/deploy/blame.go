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
	words := mentioned(strings.Join(output, " "))
	project, _ := config.LoadPyproject(tree)
	requirements, _ := config.ReadRequirements(tree, project)
	for _, p := range requirements.Packages {
		if !words[p.Name] {
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

// word is what a name in uv's text looks like; separators are what PEP 503 takes
// for one hyphen in it.
var (
	word       = regexp.MustCompile(`[a-z0-9][a-z0-9._-]*`)
	separators = regexp.MustCompile(`[-_.]+`)
)

// mentioned are the words of the text that may be names, normalised.
func mentioned(text string) map[string]bool {
	out := map[string]bool{}
	for _, w := range word.FindAllString(strings.ToLower(text), -1) {
		out[separators.ReplaceAllString(strings.TrimRight(w, "._-"), "-")] = true
	}
	return out
}
