package deploy

import (
	"context"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/variables"
	"fngen.dev/fngen/pkg/store"
)

// Secrets keeps the variables of projects, and gives no value out.
type Secrets interface {
	variables.Secrets
	Delete(ctx context.Context, project string) error
}

// variables are those of the change's project.
func (c *change) variables() variables.Kept {
	return variables.Kept{
		Store: c.store, Secrets: c.secrets, Log: c.log, Project: c.project,
		Say: func(format string, args ...any) { c.Phase("variables", format, args...) },
	}
}

// setting is a change of variables under way.
type setting struct {
	*push
	req api.SetVariables
}

// SetVariables changes the variables of a project, which is a release like any other.
// The events are as those of Push.
func (s *Service) SetVariables(ctx context.Context, actor store.Actor, project store.Project, req api.SetVariables) (<-chan api.Event, error) {
	return s.start(ctx, actor, project, func(ctx context.Context, c *change) error {
		v := &setting{push: &push{change: c}, req: req}
		err := c.locked(ctx, "a change of variables", v.run)
		if err = c.cannotReturn(c.orLost(ctx, c.release.Tree, err)); err != nil {
			return v.withUnset(ctx, err)
		}
		return nil
	}), nil
}

func (v *setting) run(ctx context.Context) error {
	if err := v.ensureNamespace(ctx, v.project); err != nil {
		return err
	}
	if err := v.readLive(ctx); err != nil {
		return err
	}
	rolls := !v.req.NoRollout && v.liveRelease != nil
	if rolls {
		if err := v.prepare(ctx); err != nil {
			return err
		}
	}
	next := variables.Change{Kept: v.variables(), Actor: v.actor, Req: v.req}
	if v.liveRelease != nil {
		next.Live = v.liveRelease.EnvVersion
	}
	base, err := next.Base(ctx)
	if err != nil {
		return err
	}
	version, err := next.Next(base)
	if err != nil {
		return err
	}
	v.Phase("variables", "storing version %d of the variables", version.Version)
	if err := next.Write(ctx, base, version); err != nil {
		return err
	}
	v.result.Variables = next.Outcome(base, version)
	if !rolls {
		if err := v.store.SetCurrentVariables(ctx, v.actor, v.project.ID, version.Version); err != nil {
			return err
		}
		v.result.Project = v.project.Name
		next.Prune(ctx)
		return nil
	}
	v.result.Variables.RolledOut, v.release.Env = true, version.Version
	defer v.takeTurns()()
	if err := v.ensureLayer(ctx); err != nil {
		return err
	}
	if err := v.goLive(ctx); err != nil {
		return err
	}
	next.Prune(ctx)
	return nil
}

// prepare makes the live code what is to be rolled out again.
func (v *setting) prepare(ctx context.Context) error {
	v.IR = v.LiveIR
	v.push.req = api.PushRequest{Tree: v.liveRelease.Tree, Entry: v.liveRelease.Entry}
	v.release = jobs.Release{Tree: v.liveRelease.Tree, Layer: v.liveRelease.Layer, UID: uid(v.project)}
	if v.IR.Version != ir.Version {
		return api.NewProblem(api.Refused, "release %d was made by another version of the platform, and cannot be rolled out with other variables", v.liveRelease.Number).
			WithHelp("push its code again, or set them by --no-rollout")
	}
	return v.lost(ctx, v.liveRelease.Tree)
}

// haveVariables refuses a release whose variables are not there: Nomad would wait for
// them for ever.
func (c *change) haveVariables(ctx context.Context) error {
	if c.release.Env == 0 {
		return nil
	}
	has, err := c.secrets.Has(ctx, c.project.Name, c.release.Env)
	if err != nil {
		return c.variables().Problem(err)
	}
	if !has {
		return api.NewProblem(api.Refused, "version %d of the variables is not in Vault any more", c.release.Env).
			WithHelp("set them: fngen set_env %s FILE", c.project.Name)
	}
	return nil
}
