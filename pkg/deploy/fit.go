package deploy

import (
	"context"
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/api"
)

// fitted is a job in the form in which it can be registered now, with what
// Nomad's scheduler says to that.
type fitted struct {
	job  *nomadapi.Job
	plan nomad.Plan
	// groups are what is to be done in each group, in the end.
	groups []nomad.GroupPlan
	// oneByOne are the groups whose instances take each other's place, since there
	// is no room for old and new side by side.
	oneByOne []string
}

// fit plans a job: with all new instances beside the old ones where there is room
// for that, else one in the place of another, if others serve meanwhile. When
// neither can be, the plan says what is unplaced.
func (c *change) fit(ctx context.Context, job *nomadapi.Job) (fitted, error) {
	plan, err := c.nomad.Plan(ctx, job)
	out := fitted{job: job, plan: plan, groups: plan.Groups}
	if err != nil || len(plan.Unplaced) == 0 {
		return out, err
	}
	var full []string
	for _, u := range plan.Unplaced {
		full = append(full, u.Group)
	}
	if !servedMeanwhile(c.liveJobs[*job.ID], job, full) {
		return out, nil
	}
	tight := fitted{job: jobs.OneByOne(job, full), groups: plan.Groups, oneByOne: full}
	if tight.plan, err = c.nomad.Plan(ctx, tight.job); err != nil || len(tight.plan.Unplaced) > 0 {
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

// makeRoom fits a job in, waits for others that may make room for it, and says why
// it cannot be.
func (c *change) makeRoom(ctx context.Context, job *nomadapi.Job, f ir.Function) (fitted, error) {
	for {
		form, err := c.madeRoom(ctx, job, f)
		if err != nil || len(form.plan.Unplaced) == 0 {
			return form, err
		}
		again, err := c.waitForRoom(ctx, f.Name)
		if err != nil {
			return form, err
		}
		if !again {
			return form, c.noRoom(f, form.plan.Unplaced[0])
		}
	}
}

// madeRoom fits a job in as well as can be. Where there is no room yet it makes
// some. It waits for instances that were told to stop; then for jobs that come up,
// whose old instances stop next; last it stops the jobs that are to go, now instead of
// at the end.
func (c *change) madeRoom(ctx context.Context, job *nomadapi.Job, f ir.Function) (fitted, error) {
	for told := false; ; told = true {
		form, err := c.fit(ctx, job)
		if err != nil || len(form.plan.Unplaced) == 0 && form.oneByOne == nil {
			return form, err
		}
		if !told {
			c.phase("rollout", "making room for %s", f.Name)
		}
		waited, err := c.nomad.Settle(ctx, c.project.Name)
		if err == nil && !waited {
			waited, err = c.crew.OneUp(ctx)
		}
		if err != nil || !waited && len(c.removed) == 0 {
			return form, err
		}
		if waited {
			continue
		}
		if err := c.giveHosts(ctx); err != nil {
			return form, err
		}
		if err := c.stopRemoved(ctx); err != nil {
			return form, err
		}
	}
}

func (c *change) noRoom(f ir.Function, u nomad.Unplaced) error {
	problem := api.NewProblem(api.Failed, "there is no room for %s: %s", f.Name, u.Reason)
	if c.liveRelease != nil {
		return problem.WithHelp("release %d keeps serving. Choose another size or region in fngen.yml, or ask the operator for more servers", c.liveRelease.Number)
	}
	return problem.WithHelp("choose another size or region in fngen.yml, or ask the operator for more servers")
}
