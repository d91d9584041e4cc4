package compiler

import (
	"context"

	"fngen.dev/fngen/compiler/discover"
	"fngen.dev/fngen/compiler/resolve"
	"fngen.dev/fngen/compiler/source"
)

// Outline is what a tree has, and lacks, before it is a project: what `fngen init`
// goes by.
type Outline struct {
	// Powers is how many functions are marked.
	Powers int
	// App is what is most likely the project's web app; nil when there is none.
	App *discover.App
	// Broken says that files could not be read as Python, so that more may be there.
	Broken bool
}

// OutlineOf reads the Python files of a tree.
func OutlineOf(ctx context.Context, tree source.Tree) Outline {
	found := search(ctx, tree, "")
	out := Outline{Powers: len(found.uses), Broken: found.diags.HasErrors()}
	if app, ok := resolve.OwnApp(found.apps); ok {
		out.App = &app
	}
	return out
}
