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

// putBack undoes a rollout that failed or was interrupted: every job of the live
// release is made what it was, and every other one is stopped after them, since it
// may have been given a host of theirs. Where Nomad has gone back by itself
// already, that is nothing to do.
func (c *change) putBack(ctx context.Context, lowered []*nomadapi.Job) error {
	now := byID(lowered)
	c.removed = removed(now, slices.Collect(maps.Values(c.was)))
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(c.was)) {
		errs = append(errs, c.restore(ctx, c.was[id], now[id]))
	}
	errs = append(errs, c.stopRemoved(ctx))
	return errors.Join(errs...)
}

// restore registers a job of the live release again, unless it is so already,
// and waits until it is healthy. now is what was to take its place. Nomad may be
// going back by itself meanwhile: then the job has moved, and is looked at once
// more.
func (c *change) restore(ctx context.Context, job, now *nomadapi.Job) error {
	for {
		form, err := c.formBack(ctx, job, now)
		if err != nil || !form.plan.Changed {
			return err
		}
		c.phase("rollout", "going back to release %d", c.live.Number)
		err = c.submit(ctx, form)
		if _, moved := errors.AsType[nomad.ErrDrift](err); moved {
			continue
		}
		if err != nil && form.job != job {
			err = errors.Join(err, c.restore(ctx, job, nil)) // at least what was live is registered
		}
		if err != nil || form.job == job {
			return err
		}
	}
}

// formBack is the next form of a job on its way back: with the servers of what
// was to take its place, for as long as nobody else serves.
func (c *change) formBack(ctx context.Context, job, now *nomadapi.Job) (fitted, error) {
	f := functionOf(c.old, *job.ID)
	form, err := c.madeRoom(ctx, job, f)
	if err != nil || !leaves(job, form.plan) {
		return form, err
	}
	both := withLeft(job, now)
	if both == nil {
		return form, nil
	}
	kept, err := c.madeRoom(ctx, both, f)
	if err != nil || len(kept.plan.Unplaced) > 0 {
		return form, err
	}
	return kept, nil
}

// leaves reports whether a plan of a job stops instances on servers that the job
// does not have, while others are still to start.
func leaves(job *nomadapi.Job, plan nomad.Plan) bool {
	stops, starts := false, false
	for _, g := range plan.Groups {
		has := slices.ContainsFunc(job.TaskGroups, func(t *nomadapi.TaskGroup) bool { return *t.Name == g.Group })
		stops = stops || !has && g.Stop > 0
		starts = starts || g.Start+g.Replace+g.Canary > 0
	}
	return stops && starts
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
