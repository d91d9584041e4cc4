package rollout

import (
	"context"
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/api"
)

// Fitted is a job in the form in which it can be registered now, with what
// Nomad's scheduler says to that.
type Fitted struct {
	Job  *nomadapi.Job
	Plan nomad.Plan
	// Groups are what is to be done in each group, in the end.
	Groups []nomad.GroupPlan
	// OneByOne are the groups whose instances take each other's place, since there
	// is no room for old and new side by side.
	OneByOne []string
}

// Fit plans a job: with all new instances beside the old ones where there is room
// for that, else one in the place of another, if others serve meanwhile. When
// neither can be, the plan says what is unplaced.
func (r *Rollout) Fit(ctx context.Context, job *nomadapi.Job) (Fitted, error) {
	plan, err := r.Nomad.Plan(ctx, job)
	out := Fitted{Job: job, Plan: plan, Groups: plan.Groups}
	if err != nil || len(plan.Unplaced) == 0 {
		return out, err
	}
	var full []string
	for _, u := range plan.Unplaced {
		full = append(full, u.Group)
	}
	if !servedMeanwhile(r.LiveJobs[*job.ID], job, full) {
		return out, nil
	}
	tight := Fitted{Job: jobs.OneByOne(job, full), Groups: plan.Groups, OneByOne: full}
	if tight.Plan, err = r.Nomad.Plan(ctx, tight.Job); err != nil || len(tight.Plan.Unplaced) > 0 {
		return out, err
	}
	return tight, nil
}

// servedMeanwhile reports whether somebody answers while one instance of each
// full group is away: another instance of that group, or a group with room, which
// keeps its old ones until the new ones are there.
func servedMeanwhile(before, job *nomadapi.Job, full []string) bool {
	if before == nil {
		return false
	}
	now := map[string]int{}
	for _, g := range job.TaskGroups {
		now[*g.Name] = *g.Count
	}
	for _, g := range before.TaskGroups {
		count, stays := now[*g.Name]
		if stays && (!slices.Contains(full, *g.Name) || min(count, *g.Count) > 1) {
			return true
		}
	}
	return false
}

// MakeRoom fits a job in, waits for others that may make room for it, and says why
// it cannot be.
func (r *Rollout) MakeRoom(ctx context.Context, job *nomadapi.Job, f ir.Function) (Fitted, error) {
	for {
		form, err := r.madeRoom(ctx, job, f)
		if err != nil || len(form.Plan.Unplaced) == 0 {
			return form, err
		}
		again, err := r.waitForRoom(ctx, f.Name)
		if err != nil {
			return form, err
		}
		if !again {
			return form, r.noRoom(f, form.Plan.Unplaced[0])
		}
	}
}

// madeRoom fits a job in as well as can be. Where there is no room yet it makes
// some. It waits for instances that were told to stop; then for jobs that come up,
// whose old instances stop next; last it stops the jobs that are to go, now instead of
// at the end.
func (r *Rollout) madeRoom(ctx context.Context, job *nomadapi.Job, f ir.Function) (Fitted, error) {
	for told := false; ; told = true {
		form, err := r.Fit(ctx, job)
		if err != nil || len(form.Plan.Unplaced) == 0 && form.OneByOne == nil {
			return form, err
		}
		if !told {
			r.Phase("rollout", "making room for %s", f.Name)
		}
		waited, err := r.Nomad.Settle(ctx, r.Project)
		if err == nil && !waited {
			waited, err = r.crew.OneUp(ctx)
		}
		if err != nil || !waited && len(r.Removed) == 0 {
			return form, err
		}
		if waited {
			continue
		}
		if err := r.giveHosts(ctx); err != nil {
			return form, err
		}
		if err := r.stopRemoved(ctx); err != nil {
			return form, err
		}
	}
}

func (r *Rollout) noRoom(f ir.Function, u nomad.Unplaced) error {
	problem := api.NewProblem(api.Failed, "there is no room for %s: %s", f.Name, u.Reason)
	if r.LiveNumber > 0 {
		return problem.WithHelp("release %d keeps serving. Choose another size or region in fngen.yml, or ask the operator for more servers", r.LiveNumber)
	}
	return problem.WithHelp("choose another size or region in fngen.yml, or ask the operator for more servers")
}
