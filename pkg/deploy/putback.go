package deploy

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/deploy/jobset"
	"fngen.dev/fngen/pkg/deploy/power"
	"fngen.dev/fngen/pkg/deploy/waves"
)

// putBack undoes a rollout that failed or was interrupted, however many of its jobs
// were under way: every job of the live release is made what it was, together as
// they came up, and every other one is stopped after them, since it may have been
// given a host of theirs. Where Nomad has gone back by itself already, that is
// nothing to do. What cannot be put back keeps no other from it.
func (c *change) putBack(ctx context.Context, lowered []*nomadapi.Job) error {
	now := jobset.ByID(lowered)
	live := slices.SortedFunc(maps.Values(c.liveJobs), func(a, b *nomadapi.Job) int { return cmp.Compare(*a.ID, *b.ID) })
	c.removed = jobset.Missing(now, live)
	if len(live) == 0 {
		return c.stopRemoved(ctx)
	}
	live, sequence := c.wavesBack(ctx, live)
	errs := make([]error, len(live))
	err := c.crew.BringUp(ctx, sequence, waves.AtOnce(c.liveIR), func(ctx context.Context, i int) (waves.Rest, error) {
		rest, err := c.beginBack(ctx, live[i], now[*live[i].ID])
		if errs[i] = err; rest == nil {
			return nil, nil
		}
		return func(ctx context.Context, up func()) error {
			errs[i] = rest(ctx, up)
			return nil
		}, nil
	}, c.settled)
	return errors.Join(append(errs, err, c.stopRemoved(ctx))...)
}

// isBack reports whether Nomad has the jobs that were live, whatever else went wrong on
// the way: instances that were well once may not come up again. Nothing tries that
// further; the next push brings others.
func (c *change) isBack(ctx context.Context) bool {
	if len(c.removed) > 0 {
		return false
	}
	plans, err := c.plans(ctx, slices.Collect(maps.Values(c.liveJobs)))
	return err == nil && !slices.ContainsFunc(plans, func(p planned) bool { return len(p.plan.Diff) > 0 })
}

// wavesBack orders the jobs of the live release: where the instances from before
// still run it is the new ones that end, which makes room for those that have to
// start again. When Nomad cannot be asked now, each of them waits for the one
// before.
func (c *change) wavesBack(ctx context.Context, live []*nomadapi.Job) ([]*nomadapi.Job, []waves.Wave) {
	order, err := c.plans(ctx, live)
	slices.SortStableFunc(order, func(a, b planned) int { return cmp.Compare(min(a.plan.Starts(), 1), min(b.plan.Starts(), 1)) })
	var sequence []waves.Wave
	if err == nil {
		sequence, err = c.waves(ctx, order)
	}
	if err != nil {
		c.log.Warn("forecast how jobs go back", slog.String("project", c.project.Name), slog.Any("error", err))
		return live, slices.Repeat([]waves.Wave{{Jobs: 1}}, len(live))
	}
	out := make([]*nomadapi.Job, len(order))
	for i := range order {
		out[i] = order[i].job
	}
	return out, sequence
}

// restore makes one job of the live release what it was.
func (c *change) restore(ctx context.Context, job *nomadapi.Job) error {
	rest, err := c.beginBack(ctx, job, nil)
	if err != nil || rest == nil {
		return err
	}
	return rest(ctx, func() {})
}

// beginBack places a job of the live release again, unless it is so already. now
// is what was to take its place. Nomad may be going back by itself meanwhile: then
// the job has moved, and is looked at once more.
func (c *change) beginBack(ctx context.Context, job, now *nomadapi.Job) (waves.Rest, error) {
	var failed error
	for {
		form, err := c.formBack(ctx, job, now)
		if err != nil || !form.plan.Changed {
			return nil, errors.Join(failed, err)
		}
		c.phase("rollout", "going back to release %d", c.liveRelease.Number)
		deployment, err := c.place(ctx, form)
		switch {
		case err == nil:
			return func(ctx context.Context, _ func()) error {
				rollout, err := c.nomad.Follow(ctx, form.job, deployment, nomad.Observer{})
				err = errors.Join(failed, err, c.wholly(ctx, form.job, job))
				if err == nil {
					c.routedBack(ctx, job, rollout.Allocations)
				}
				return err
			}, nil
		case isMoved(err):
		case form.job != job: // at least what was live is registered
			failed, now = errors.Join(failed, err), nil
		default:
			return nil, errors.Join(failed, err)
		}
	}
}

// routedBackTime is enough for the router to hear of what has ended: 3 s, in which an
// instance still serves, and half a second.
const routedBackTime = 5 * time.Second

// routedBack waits until the router leads to the instances of a job that has gone
// back and to nothing of the failed release. When it does not, that is only logged.
func (c *change) routedBack(ctx context.Context, job *nomadapi.Job, allocations []string) {
	ctx, cancel := context.WithTimeout(ctx, routedBackTime)
	defer cancel()
	f := jobset.FunctionOf(c.liveIR, *job.ID)
	if err := c.answers(ctx, f, power.Of(f).OwnHost(), allocations); err != nil {
		c.log.Warn("wait for the router to go back", slog.String("project", c.project.Name), slog.String("function", f.Name), slog.Any("error", err))
	}
}

// wholly makes a job that has gone back in a form with the servers of what was to
// take its place what it was, whatever became of that form.
func (c *change) wholly(ctx context.Context, form, job *nomadapi.Job) error {
	if form == job {
		return nil
	}
	for {
		if _, _, err := c.become(ctx, jobset.FunctionOf(c.liveIR, *job.ID), job); !isMoved(err) {
			return err
		}
	}
}

func isMoved(err error) bool {
	_, moved := errors.AsType[nomad.ErrDrift](err)
	return moved
}

// formBack is the next form of a job on its way back: with the servers of what
// was to take its place, for as long as nobody else serves.
func (c *change) formBack(ctx context.Context, job, now *nomadapi.Job) (fitted, error) {
	f := jobset.FunctionOf(c.liveIR, *job.ID)
	form, err := c.madeRoom(ctx, job, f)
	if err != nil || !leaves(job, form.plan) {
		return form, err
	}
	both := jobset.WithLeft(job, now)
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
	stops := slices.ContainsFunc(plan.Groups, func(g nomad.GroupPlan) bool {
		return g.Stop > 0 && !slices.ContainsFunc(job.TaskGroups, func(t *nomadapi.TaskGroup) bool { return *t.Name == g.Group })
	})
	return stops && plan.Starts() > 0
}
