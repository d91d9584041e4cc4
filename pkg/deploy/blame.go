package deploy

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/source"
)

// requirement is the name at the start of a line of a requirement file.
var requirement = regexp.MustCompile(`^\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)`)

// separators are what PEP 503 takes for one hyphen in a name.
var separators = regexp.MustCompile(`[-_.]+`)

// blame finds the lines of the requirement files that uv's words are about. When
// it finds none, the first file as a whole is at fault.
func blame(tree source.Tree, files []string, output []string) diag.List {
	var list diag.List
	words := " " + strings.Join(strings.Fields(strings.ToLower(strings.Join(output, " "))), " ") + " "
	for _, file := range files {
		text, err := fs.ReadFile(tree.FS, file)
		if err != nil {
			continue // what cannot be read is not blamed
		}
		for i, line := range strings.Split(string(text), "\n") {
			match := requirement.FindStringSubmatchIndex(line)
			if match == nil || !mentions(words, separators.ReplaceAllString(strings.ToLower(line[match[2]:match[3]]), "-")) {
				continue
			}
			line = strings.TrimRight(line, "\r")
			list.Add(diag.Diagnostic{
				Code: "FN2001", Message: fmt.Sprintf("the requirement %q cannot be installed", strings.TrimSpace(line)),
				File: file, Line: i + 1, Column: match[2] + 1, Width: match[3] - match[2], Excerpt: line,
				Help: "see uv's words above",
			})
		}
	}
	if len(list) == 0 && len(files) > 0 {
		list.Add(diag.Diagnostic{Code: "FN2001", Message: "the requirements cannot be installed", File: files[0], Help: "see uv's words above"})
	}
	return list
}

// mentions reports whether a normalised name stands in the text as a word.
func mentions(text, name string) bool {
	word := regexp.MustCompile(`[^a-z0-9._-]` + regexp.QuoteMeta(name) + `([^a-z0-9._-]|[._-]?[ ,:;])`)
	return word.MatchString(text)
}
