package deploy

import (
	"context"
	"fmt"
	"log/slog"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/imports"
	"fngen.dev/fngen/compiler/installed"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/postmortem"
	"fngen.dev/fngen/pkg/deploy/prepare"
)

// checkImports refuses a tree whose code imports what nothing has, before anything
// of it is started. A layer that does not tell what it has is let pass.
func (p *push) checkImports(ctx context.Context) error {
	if err := p.openTree(ctx, p.req.Tree); err != nil {
		return err
	}
	modules, err := p.installed(ctx)
	if err != nil {
		p.log.Warn("read the modules of a layer", slog.String("project", p.project.Name), slog.String("layer", p.release.Layer), slog.Any("error", err))
		return nil
	}
	in := p.importsInput()
	in.Installed = modules
	list := compiler.AddExcerpts(p.tree, imports.Missing(in))
	if len(list) == 0 {
		return nil
	}
	message := postmortem.WithPlace(list[0])
	if n := len(list); n > 1 {
		message = fmt.Sprintf("the code imports %d modules that are not there", n)
	}
	problem := api.NewProblem(api.Refused, "%s; nothing was changed", message)
	problem.Diagnostics = list
	return problem
}

// importsInput is the opened tree and what it asks to be installed.
func (c *change) importsInput() imports.Input {
	in := imports.Input{Tree: c.tree, Python: c.IR.Python, Requirements: c.IR.Dependencies.Files, Provided: c.IR.Dependencies.Provided}
	for _, f := range c.IR.Functions {
		in.Files = append(in.Files, f.File)
	}
	return in
}

// installed reads the list that the build wrote into the layer as one of its first
// files.
func (p *push) installed(ctx context.Context) (installed.Modules, error) {
	layer, err := p.store.Layer(ctx, p.project.ID, p.release.Layer)
	if err != nil {
		return installed.Modules{}, err
	}
	// A view of now: that of the tree may be older than the layer.
	view, err := p.blobs.View(scope(p.project))
	if err != nil {
		return installed.Modules{}, err
	}
	defer view.Close()
	f, err := view.OpenKept(layer.SHA256)
	if err != nil {
		return installed.Modules{}, err
	}
	defer f.Close()
	return prepare.ReadInstalled(f)
}
