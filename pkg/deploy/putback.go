package deploy

import (
	"context"
	"errors"
	"maps"
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
)

// putBack undoes a rollout that failed: every job of the live release is made
// what it was, every other one is stopped. Where Nomad has gone back by itself
// already, that is nothing to do.
func (c *change) putBack(ctx context.Context, lowered []*nomadapi.Job) error {
	var errs []error
	for _, job := range lowered {
		if _, ran := c.was[*job.ID]; !ran {
			errs = append(errs, c.nomad.Stop(ctx, c.project.Name, *job.ID))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.was)) {
		errs = append(errs, c.goBack(ctx, c.was[id], byID(lowered)[id]))
	}
	return errors.Join(errs...)
}

// goBack makes a job of the live release what it was. What runs on servers that it
// did not have before stays there until those that it had left serve again.
func (c *change) goBack(ctx context.Context, was, now *nomadapi.Job) error {
	both := withLeft(was, now)
	if both == nil {
		return c.restore(ctx, was)
	}
	plan, err := c.nomad.Plan(ctx, was)
	if err != nil {
		return err
	}
	if hasLeft(plan, now) {
		err = c.restore(ctx, both)
	}
	return errors.Join(err, c.restore(ctx, was))
}

// hasLeft reports whether nothing runs in a group that only the job to go back to
// has. Nomad alone knows, when a control plane has died in a push.
func hasLeft(plan nomad.Plan, now *nomadapi.Job) bool {
	return slices.ContainsFunc(plan.Groups, func(g nomad.GroupPlan) bool {
		stays := slices.ContainsFunc(now.TaskGroups, func(group *nomadapi.TaskGroup) bool { return *group.Name == g.Group })
		return !stays && g.Start > 0 && g.Keep+g.InPlace+g.Replace == 0
	})
}

// restore registers a job of the live release again, unless it is so already,
// and waits until it is healthy. Nomad may be going back by itself meanwhile:
// then the job has moved, and is looked at once more.
func (c *change) restore(ctx context.Context, job *nomadapi.Job) error {
	for {
		err := c.restoreOnce(ctx, job)
		if _, moved := errors.AsType[nomad.ErrDrift](err); !moved {
			return err
		}
	}
}

func (c *change) restoreOnce(ctx context.Context, job *nomadapi.Job) error {
	form, err := c.fit(ctx, job)
	if err != nil || !form.plan.Changed {
		return err
	}
	c.phase("rollout", "going back to release %d", c.live.Number)
	if err := c.submit(ctx, form); err != nil || form.oneByOne == nil {
		return err
	}
	if form.plan, err = c.nomad.Plan(ctx, job); err != nil {
		return err
	}
	return c.submit(ctx, fitted{job: job, plan: form.plan})
}

// submit registers a job and waits until it is healthy.
func (c *change) submit(ctx context.Context, form fitted) error {
	source, err := jobs.HCL(form.job)
	if err != nil {
		return err
	}
	evalID, err := c.nomad.Submit(ctx, form.job, form.plan.Index, source)
	if err != nil {
		return err
	}
	_, err = c.nomad.Follow(ctx, form.job, evalID, nomad.Observer{})
	return err
}
