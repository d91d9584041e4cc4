package deploy

import (
	"context"
	"errors"
	"fmt"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// Rollback makes an earlier release live again, the last one before the live one
// when number is 0. Nothing is built: its tree and its layer are there. Its jobs
// are lowered from its ir, so that they suit the agents of today.
func (s *Service) Rollback(ctx context.Context, actor store.Actor, project store.Project, number int) (<-chan api.Event, error) {
	return s.start(ctx, actor, project, func(ctx context.Context, c *change) error {
		err := c.locked(ctx, "a rollback", func(ctx context.Context) error { return c.rollback(ctx, number) })
		return c.cannotReturn(c.orLost(ctx, c.release.Tree, err))
	}), nil
}

func (c *change) rollback(ctx context.Context, number int) error {
	if err := c.ensureNamespace(ctx, c.project); err != nil {
		return err
	}
	if err := c.readLive(ctx); err != nil {
		return err
	}
	target, err := c.chosen(ctx, number)
	if err != nil {
		return err
	}
	if target.History() {
		return api.NewProblem(api.Refused, "the code of release %d is not kept any more: the last that were live are, and those of the last days", target.Number).
			WithHelp("push its code again: fngen push %s PATH", c.project.Name)
	}
	if c.IR, err = decodeIR(target); err != nil {
		return err
	}
	if c.IR.Version != ir.Version {
		return api.NewProblem(api.Refused, "release %d was made by another version of the platform and cannot be brought back", target.Number).
			WithHelp("push its code again")
	}
	c.release = jobs.Release{Number: target.Number, Tree: target.Tree, Layer: target.Layer, UID: uid(c.project), Env: target.EnvVersion}
	if c.liveRelease != nil && c.liveRelease.Number == target.Number {
		c.done(false)
		return nil
	}
	if err := c.lost(ctx, target.Tree); err != nil {
		return err
	}
	if err := c.haveVariables(ctx); err != nil {
		return err
	}
	// They are there, unless they were lost, or a newer platform keeps them under other
	// keys.
	if c.release.Layer != "" {
		if err := c.ensureLayer(ctx); err != nil {
			return err
		}
	}
	if err := c.preparation().Static(ctx); err != nil {
		return err
	}
	if err := c.prepareTasks(ctx); err != nil {
		return err
	}
	lowered, err := c.lower()
	if err != nil {
		return err
	}
	defer c.takeTurns()()
	reason := "a rollback by " + c.actor.Email
	if err := c.store.SetReleaseState(ctx, c.actor, c.project.ID, target.Number, store.Pending, reason); err != nil {
		return fmt.Errorf("mark release %d pending: %w", target.Number, err)
	}
	c.history.BeginAnew(c.closing, target.Number)
	if err := c.apply(ctx, lowered, store.Superseded); err != nil {
		return err
	}
	c.tidyTasks(ctx)
	return nil
}

// cannotReturn says what to do about a release whose code is lost: to send it again
// is to push it.
func (c *change) cannotReturn(err error) error {
	if lost, ok := errors.AsType[*api.Problem](err); ok && lost.Code == api.TreeMissing {
		return api.NewProblem(api.Failed, "release %d cannot be brought back: %s", c.release.Number, lost.Detail).
			WithHelp("push its code: fngen push %s PATH", c.project.Name)
	}
	return err
}

// chosen is the release to bring back: number, or the last that was live before
// the one that is.
func (c *change) chosen(ctx context.Context, number int) (store.Release, error) {
	if number == 0 {
		return c.before(ctx)
	}
	r, err := c.store.Release(ctx, c.project.ID, number)
	if errors.Is(err, store.ErrNotFound) {
		return r, api.NewProblem(api.NotFound, "project %q has no release %d", c.project.Name, number).WithHelp("fngen releases %s lists them", c.project.Name)
	}
	if err != nil {
		return r, fmt.Errorf("read release %d: %w", number, err)
	}
	if r.LiveAt.IsZero() {
		return r, api.NewProblem(api.Refused, "release %d never was live", number).WithHelp("fngen releases %s tells why; one that was live can be brought back", c.project.Name)
	}
	return r, nil
}

func (c *change) before(ctx context.Context) (store.Release, error) {
	all, err := c.store.Releases(ctx, c.project.ID)
	if err != nil {
		return store.Release{}, fmt.Errorf("list releases: %w", err)
	}
	for _, r := range all { // newest first
		if !r.LiveAt.IsZero() && (c.liveRelease == nil || r.Number < c.liveRelease.Number) {
			return r, nil
		}
	}
	return store.Release{}, api.NewProblem(api.Refused, "project %q has no release to go back to", c.project.Name).
		WithHelp("fngen releases %s lists what there is", c.project.Name)
}

// Releases lists the releases of a project, newest first.
func (s *Service) Releases(ctx context.Context, p store.Project) ([]api.Release, error) {
	rows, err := s.store.Releases(ctx, p.ID)
	if err != nil {
		return nil, fmt.Errorf("list releases of %q: %w", p.Name, err)
	}
	out := []api.Release{}
	for _, r := range rows {
		project, err := decodeIR(r)
		if err != nil {
			return nil, err
		}
		line := api.Release{
			Release: r.Number, State: string(r.State), By: r.By, CreatedAt: r.CreatedAt, Tree: r.Tree, Layer: r.Layer,
			Reason: r.Reason, Functions: []string{},
		}
		if !r.LiveAt.IsZero() {
			line.LiveAt = &r.LiveAt
		}
		for _, f := range project.Functions {
			line.Functions = append(line.Functions, f.Name)
		}
		out = append(out, line)
	}
	return out, nil
}
