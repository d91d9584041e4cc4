package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"fngen.dev/fngen/pkg/api"
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
	if taken != nil && isMissing(err, p.project) { // else it was another push that created it
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
	yes, err := p.askYes(ctx, fmt.Sprintf("Create project %s?", p.project))
	if err == nil && !yes {
		err = &usageError{message: "project " + p.project + " was not created, and nothing was pushed", help: "for another project: fngen push PROJECT " + p.path}
	}
	return err
}

// askYes asks a question until the answer is one. Only the end of the input, where
// nobody answers, is none: it is a no.
func (a *app) askYes(ctx context.Context, question string) (bool, error) {
	in := bufio.NewReader(a.IO.In)
	for {
		fmt.Fprint(a.IO.Err, question+" [Y/n] ")
		answer, err := readLine(ctx, in)
		if err != nil {
			a.sayf("")
		}
		switch {
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil:
			return false, err
		}
		switch strings.ToLower(answer) {
		case "", "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
	}
}

// isMissing reports whether the platform says that the account has no such
// project. A 404 that does not name it is of something else in between.
func isMissing(err error, project string) bool {
	var p *api.Problem
	return errors.As(err, &p) && p.Code == api.NotFound && p.Help == "" && strings.Contains(p.Detail, project)
}

// notCreated adds the way out to a project that does not exist.
func notCreated(err error, project, path string) error {
	if p, ok := errors.AsType[*api.Problem](err); ok && isMissing(err, project) {
		return p.WithHelp("create it: fngen push %s %s --create\nor first: fngen create %s", project, path, project)
	}
	return err
}

func noName(path string) error {
	name := path
	if abs, err := filepath.Abs(path); err == nil {
		name = filepath.Base(abs)
	}
	return &usageError{
		message: fmt.Sprintf("no project can be named after %q", name),
		help:    fmt.Sprintf("name it: fngen push PROJECT %s\n%s", path, projectHelp),
	}
}
