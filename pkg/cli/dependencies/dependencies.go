// Package dependencies says where the packages of a tree come from.
package dependencies

import (
	"strings"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
)

// Line says which file was chosen when several are there, and which
// commits packages were built from. It is empty when there is nothing to say.
func Line(d api.Dependencies) string {
	if len(d.Files) == 0 || len(d.Unread)+len(d.Git) == 0 {
		return ""
	}
	line := "Dependencies: " + d.Files[0]
	if len(d.Unread) > 0 {
		line += "; not read: " + strings.Join(d.Unread, ", ")
	}
	for _, g := range d.Git {
		line += "; " + Git(g)
	}
	return line
}

func Git(g api.GitSource) string {
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

// Compiled are those of a tree as far as the compiler knows them.
func Compiled(d ir.Dependencies) api.Dependencies {
	out := api.Dependencies{
		Files: command.OrEmpty(d.Files), Unread: command.OrEmpty(d.Unread), Provided: command.OrEmpty(d.Provided), Packages: command.OrEmpty(d.Packages), Git: []api.GitSource{},
	}
	for _, g := range d.Git {
		out.Git = append(out.Git, api.GitSource(g))
	}
	return out
}
