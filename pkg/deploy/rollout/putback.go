package rollout

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

// PutBack undoes a rollout that failed or was interrupted, however many of its jobs
// were under way: every job of the live release is made what it was, together as
// they came up, and every other one is stopped after them, since it may have been
// given a host of theirs. Where Nomad has gone back by itself already, that is
// nothing to do. What cannot be put back keeps no other from it.
func (r *Rollout) PutBack(ctx context.Context, lowered []*nomadapi.Job) error {
	now := jobset.ByID(lowered)
	live := slices.SortedFunc(maps.Values(r.LiveJobs), func(a, b *nomadapi.Job) int { return cmp.Compare(*a.ID, *b.ID) })
	r.Removed = jobset.Missing(now, live)
	if len(live) == 0 {
		return r.stopRemoved(ctx)
	}
	live, sequence := r.wavesBack(ctx, live)
	errs := make([]error, len(live))
	err := r.crew.BringUp(ctx, sequence, waves.AtOnce(r.LiveIR), func(ctx context.Context, i int) (waves.Rest, error) {
		rest, err := r.beginBack(ctx, live[i], now[*live[i].ID])
		if errs[i] = err; rest == nil {
			return nil, nil
		}
		return func(ctx context.Context, up func()) error {
			errs[i] = rest(ctx, up)
			return nil
		}, nil
	}, r.settled)
	return errors.Join(append(errs, err, r.stopRemoved(ctx))...)
}

// IsBack reports whether Nomad has the jobs that were live, whatever else went wrong on
// the way: instances that were well once may not come up again. Nothing tries that
// further; the next push brings others.
func (r *Rollout) IsBack(ctx context.Context) bool {
	if len(r.Removed) > 0 {
		return false
	}
	plans, err := r.Plans(ctx, slices.Collect(maps.Values(r.LiveJobs)))
	return err == nil && !slices.ContainsFunc(plans, func(p Planned) bool { return len(p.Plan.Diff) > 0 })
}

// wavesBack orders the jobs of the live release: where the instances from before
// still run it is the new ones that end, which makes room for those that have to
// start again. When Nomad cannot be asked now, each of them waits for the one
// before.
func (r *Rollout) wavesBack(ctx context.Context, live []*nomadapi.Job) ([]*nomadapi.Job, []waves.Wave) {
	order, err := r.Plans(ctx, live)
	slices.SortStableFunc(order, func(a, b Planned) int { return cmp.Compare(min(a.Plan.Starts(), 1), min(b.Plan.Starts(), 1)) })
	var sequence []waves.Wave
	if err == nil {
		sequence, err = r.Waves(ctx, order)
	}
	if err != nil {
		r.Log.Warn("forecast how jobs go back", slog.String("project", r.Project), slog.Any("error", err))
		return live, slices.Repeat([]waves.Wave{{Jobs: 1}}, len(live))
	}
	out := make([]*nomadapi.Job, len(order))
	for i := range order {
		out[i] = order[i].Job
	}
	return out, sequence
}

// Restore makes one job of the live release what it was.
func (r *Rollout) Restore(ctx context.Context, job *nomadapi.Job) error {
	rest, err := r.beginBack(ctx, job, nil)
	if err != nil || rest == nil {
		return err
	}
	return rest(ctx, func() {})
}

// beginBack places a job of the live release again, unless it is so already. now
// is what was to take its place. Nomad may be going back by itself meanwhile: then
// the job has moved, and is looked at once more.
func (r *Rollout) beginBack(ctx context.Context, job, now *nomadapi.Job) (waves.Rest, error) {
	var failed error
	for {
		form, err := r.formBack(ctx, job, now)
		if err != nil || !form.Plan.Changed {
			return nil, errors.Join(failed, err)
		}
		r.Phase("rollout", "going back to release %d", r.LiveNumber)
		deployment, err := r.place(ctx, form)
		switch {
		case err == nil:
			return func(ctx context.Context, _ func()) error {
				rollout, err := r.Nomad.Follow(ctx, form.Job, deployment, nomad.Observer{})
				err = errors.Join(failed, err, r.wholly(ctx, form.Job, job))
				if err == nil {
					r.routedBack(ctx, job, rollout.Allocations)
				}
				return err
			}, nil
		case isMoved(err):
		case form.Job != job: // at least what was live is registered
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
func (r *Rollout) routedBack(ctx context.Context, job *nomadapi.Job, allocations []string) {
	ctx, cancel := context.WithTimeout(ctx, routedBackTime)
	defer cancel()
	f := jobset.FunctionOf(r.LiveIR, *job.ID)
	if err := r.Answers(ctx, f, power.Of(f).OwnHost(), allocations); err != nil {
		r.Log.Warn("wait for the router to go back", slog.String("project", r.Project), slog.String("function", f.Name), slog.Any("error", err))
	}
}

// wholly makes a job that has gone back in a form with the servers of what was to
// take its place what it was, whatever became of that form.
func (r *Rollout) wholly(ctx context.Context, form, job *nomadapi.Job) error {
	if form == job {
		return nil
	}
	for {
		if _, _, err := r.Become(ctx, jobset.FunctionOf(r.LiveIR, *job.ID), job); !isMoved(err) {
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
func (r *Rollout) formBack(ctx context.Context, job, now *nomadapi.Job) (Fitted, error) {
	f := jobset.FunctionOf(r.LiveIR, *job.ID)
	form, err := r.madeRoom(ctx, job, f)
	if err != nil || !leaves(job, form.Plan) {
		return form, err
	}
	both := jobset.WithLeft(job, now)
	if both == nil {
		return form, nil
	}
	kept, err := r.madeRoom(ctx, both, f)
	if err != nil || len(kept.Plan.Unplaced) > 0 {
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
