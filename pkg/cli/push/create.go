package push

import (
	"context"
	"errors"
	"fmt"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/cli/target"
)

// pushToNew creates the project that missing says the account does not have, and
// pushes to it.
func (p *push) pushToNew(ctx context.Context, missing error) (*api.PushResult, error) {
	if err := p.mayCreate(ctx, missing); err != nil {
		return nil, err
	}
	p.progress.Begin("create", "creating project "+p.project)
	_, err := p.client.CreateProject(ctx, p.project)
	var taken *api.Problem
	if err != nil && !(errors.As(err, &taken) && taken.Code == api.Exists) {
		return nil, err
	}
	p.state.forget()
	result, err := p.pushTree(ctx)
	if taken != nil && target.IsMissing(err, p.project) { // else it was another push that created it
		return nil, taken.WithHelp("a project's name is its address on this platform: choose another, fngen push PROJECT %s --create", p.path)
	}
	return result, err
}

// mayCreate asks, unless the command line has said so.
func (p *push) mayCreate(ctx context.Context, missing error) error {
	if p.create {
		return nil
	}
	if !p.IO.InTTY || !p.IO.ErrTTY {
		return notCreated(missing, p.project, p.path)
	}
	p.progress.End()
	yes, err := p.AskYes(ctx, fmt.Sprintf("Create project %s?", p.project))
	if err == nil && !yes {
		err = &exit.Usage{Message: "project " + p.project + " was not created, and nothing was pushed", Help: "for another project: fngen push PROJECT " + p.path}
	}
	return err
}

// notCreated adds the way out to a project that does not exist.
func notCreated(err error, project, path string) error {
	if p, ok := errors.AsType[*api.Problem](err); ok && target.IsMissing(err, project) {
		return p.WithHelp("create it: fngen push %s %s --create\nor first: fngen create %s", project, path, project)
	}
	return err
}
