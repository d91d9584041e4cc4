package cli

import (
	"strings"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/api"
)

// dependenciesLine says which file was chosen when several are there, and which
// commits packages were built from. It is empty when there is nothing to say.
func dependenciesLine(d api.Dependencies) string {
	if len(d.Files) == 0 || len(d.Unread)+len(d.Git) == 0 {
		return ""
	}
	line := "Dependencies: " + d.Files[0]
	if len(d.Unread) > 0 {
		line += "; not read: " + strings.Join(d.Unread, ", ")
	}
	for _, g := range d.Git {
		line += "; " + gitLine(g)
	}
	return line
}

func gitLine(g api.GitSource) string {
	line := g.URL
	if g.Name != "" {
		line = g.Name + " from " + line
	}
	if g.Ref != "" && g.Ref != g.Commit {
		line += " at " + g.Ref
	}
	if g.Commit != "" {
		line += ", commit " + g.Commit
	}
	return line
}

// compiledDependencies are those of a tree as far as the compiler knows them.
func compiledDependencies(d ir.Dependencies) api.Dependencies {
	out := api.Dependencies{
		Files: orEmpty(d.Files), Unread: orEmpty(d.Unread), Provided: orEmpty(d.Provided), Packages: orEmpty(d.Packages), Git: []api.GitSource{},
	}
	for _, g := range d.Git {
		out.Git = append(out.Git, api.GitSource(g))
	}
	return out
}
