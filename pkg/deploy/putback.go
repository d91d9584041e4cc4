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
		now := byID(lowered)[id]
		if both := withLeft(c.was[id], now); both != nil && slices.Contains(c.moved, id) {
			errs = append(errs, c.restore(ctx, both))
		}
		errs = append(errs, c.restore(ctx, c.was[id]))
	}
	return errors.Join(errs...)
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
