package deploy

import (
	"context"
	"fmt"

	nomadapi "github.com/hashicorp/nomad/api"
	"golang.org/x/sync/errgroup"

	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/deploy/power"
	"fngen.dev/fngen/pkg/deploy/waves"
)

// rollJobs makes jobs run in the place of those before, in stages that each wait
// for the one before:
//
//  1. All come up, as many at the same time as there is room for, and each answers
//     at a host of its own. Until then whoever served still serves, or has another in
//     its place, so that all can go back.
//  2. The removed ones are stopped, unless that was needed to make room.
//  3. What runs in an interim form, since it kept something for others until they
//     were up, is made what it is to be.
//  4. Only now is a host that was another function's the new one's alone, and all
//     are asked at the first of theirs.
func (c *change) rollJobs(ctx context.Context, ordered []*nomadapi.Job) error {
	steps := make([]*step, len(ordered))
	for i, job := range ordered {
		steps[i] = c.newStep(job)
	}
	err := c.bringUp(ctx, ordered, steps)
	if err == nil {
		err = c.stopRemoved(ctx)
	}
	if err == nil {
		err = each(ctx, steps, c.finish)
	}
	if err == nil {
		err = each(ctx, steps, func(ctx context.Context, s *step) error {
			return c.answers(ctx, s.f, power.Of(s.f).FirstHost(), s.allocations)
		})
	}
	return c.explained(ctx, err, steps)
}

// bringUp is the first stage. When one job does not come up the others are left as
// they are at that moment.
func (c *change) bringUp(ctx context.Context, ordered []*nomadapi.Job, steps []*step) error {
	sequence := []waves.Wave{{Jobs: len(steps)}}
	if len(steps) > 1 {
		jobs, err := c.plans(ctx, ordered)
		if err != nil {
			return err
		}
		if sequence, err = c.waves(ctx, jobs); err != nil {
			return err
		}
	}
	told := &tally{change: c, of: len(steps)}
	return c.crew.BringUp(ctx, sequence, waves.AtOnce(c.ir), func(ctx context.Context, i int) (waves.Rest, error) { return c.begin(ctx, steps[i], told) }, c.settled)
}

// settled waits until what was told to stop has ended, which makes room for so many
// jobs.
func (c *change) settled(ctx context.Context, jobs int) error {
	c.phase("rollout", "making room for %s", nextOnes(jobs))
	_, err := c.nomad.Settle(ctx, c.project.Name)
	return err
}

func nextOnes(n int) string {
	if n == 1 {
		return "the next one"
	}
	return fmt.Sprintf("the next %d", n)
}

// planned is a job with what Nomad says to it when it is asked about it alone.
type planned struct {
	job  *nomadapi.Job
	plan nomad.Plan
}

func (c *change) plans(ctx context.Context, list []*nomadapi.Job) ([]planned, error) {
	out := make([]planned, len(list))
	return out, eachAt(ctx, list, func(ctx context.Context, i int, job *nomadapi.Job) error {
		plan, err := c.nomad.Plan(ctx, job)
		out[i] = planned{job, plan}
		return err
	})
}

// waves tells which jobs of an order come up together.
func (c *change) waves(ctx context.Context, order []planned) ([]waves.Wave, error) {
	room, err := c.nomad.Room(ctx, c.project.Name)
	if err != nil {
		return nil, err
	}
	var demands []waves.Demand
	for _, job := range order {
		demands = append(demands, waves.DemandOf(job.job, job.plan.Groups, room.Held))
	}
	return waves.Of(demands, room), nil
}

// oldFirst puts the jobs that run already before the new ones: a new function
// makes the share of each smaller, so that only then there may be room for it.
func (c *change) oldFirst(lowered []*nomadapi.Job) []*nomadapi.Job {
	var old, added []*nomadapi.Job
	for _, job := range lowered {
		if _, runs := c.liveJobs[*job.ID]; runs {
			old = append(old, job)
		} else {
			added = append(added, job)
		}
	}
	return append(old, added...)
}

// stopRemoved stops the jobs of functions that are gone, by their exact ids.
func (c *change) stopRemoved(ctx context.Context) error {
	err := each(ctx, c.removed, func(ctx context.Context, id string) error {
		c.phase("rollout", "stopping %s", id)
		return c.nomad.Stop(ctx, c.project.Name, id)
	})
	if err == nil {
		c.removed = nil
	}
	return err
}

// requestsAtOnce is how many requests of a kind a change makes at a time.
const requestsAtOnce = 16

// each does something with all of a list at the same time. The first error ends
// it.
func each[T any](ctx context.Context, list []T, do func(context.Context, T) error) error {
	return eachAt(ctx, list, func(ctx context.Context, _ int, one T) error { return do(ctx, one) })
}

func eachAt[T any](ctx context.Context, list []T, do func(context.Context, int, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(requestsAtOnce)
	for i, one := range list {
		group.Go(func() error { return guarded(func() error { return do(ctx, i, one) }) })
	}
	return group.Wait()
}
