package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
)

// rollJobs brings the jobs up, one after the other, and stops those that are
// removed.
func (c *change) rollJobs(ctx context.Context, ordered []*nomadapi.Job) error {
	rolled := map[string][]string{} // host -> the allocations behind it
	var interim []*nomadapi.Job
	for _, job := range ordered {
		done, err := c.rollJob(ctx, job)
		if err != nil {
			return err
		}
		if done.interim {
			interim = append(interim, job)
		}
		if len(done.allocations) > 0 {
			rolled[functionOf(c.ir, *job.ID).WebApp.Hosts[0]] = done.allocations
		}
	}
	if err := c.stopRemoved(ctx); err != nil {
		return err
	}
	for _, job := range interim {
		if err := c.finishJob(ctx, job); err != nil {
			return err
		}
	}
	// Only now is a host that was another function's the new one's alone.
	for _, f := range c.ir.Functions {
		if err := c.router.answering(ctx, f.WebApp.Hosts[0], f.WebApp.HealthPath(), rolled[f.WebApp.Hosts[0]]); err != nil {
			return err
		}
	}
	return nil
}

// oldFirst puts the jobs that run already before the new ones: a new function
// makes the share of each smaller, so that only then there is room for it. The
// job that has the project's own host comes before those that may give it up.
func (c *change) oldFirst(lowered []*nomadapi.Job) []*nomadapi.Job {
	ordered := slices.Clone(lowered)
	slices.SortStableFunc(ordered, func(a, b *nomadapi.Job) int {
		return cmp.Compare(c.rank(a), c.rank(b))
	})
	return ordered
}

func (c *change) rank(job *nomadapi.Job) int {
	rank := 0
	if _, runs := c.was[*job.ID]; !runs {
		rank += 2
	}
	if functionOf(c.ir, *job.ID).WebApp.Hosts[0] != c.project.Name {
		rank++
	}
	return rank
}

// removed lists the jobs that the lowered ones leave out, sorted.
func removed(was map[string]*nomadapi.Job, lowered []*nomadapi.Job) []string {
	now := byID(lowered)
	var out []string
	for id := range was {
		if _, stays := now[id]; !stays {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

func byID(list []*nomadapi.Job) map[string]*nomadapi.Job {
	out := make(map[string]*nomadapi.Job, len(list))
	for _, job := range list {
		out[*job.ID] = job
	}
	return out
}

// rolledJob is what rollJob has done: nothing, when there are no allocations.
type rolledJob struct {
	allocations []string
	// interim says that the job runs in a form from which finishJob must make it
	// what it is to be.
	interim bool
}

// rollJob brings one job up, and then takes it away from the servers that it
// leaves.
func (c *change) rollJob(ctx context.Context, job *nomadapi.Job) (rolledJob, error) {
	f := functionOf(c.ir, *job.ID)
	shared := c.withHandedOver(job, f)
	if both := withLeft(shared, c.was[*job.ID]); both != nil {
		if _, _, err := c.roll(ctx, both, f); err != nil {
			return rolledJob{}, err
		}
	}
	ran, allocations, err := c.roll(ctx, shared, f)
	return rolledJob{allocations, ran != nil && ran != job}, err
}

// roll makes a job what it is to be: fitted in, registered at the plan's index,
// healthy, and answering through the router at the function's own host, which no
// other function has. It returns the form in which the job runs, nil when there
// was nothing to do, and its new allocations.
func (c *change) roll(ctx context.Context, job *nomadapi.Job, f ir.Function) (*nomadapi.Job, []string, error) {
	form, err := c.makeRoom(ctx, job, f)
	if err != nil || !form.plan.Changed {
		return nil, nil, err
	}
	c.phase("rollout", "%s", begun(f.Name, form.plan))
	if form.oneByOne != nil {
		c.phase("rollout", "replacing %s one by one on %s, where old and new do not fit side by side", f.Name, strings.Join(form.oneByOne, ", "))
	}
	allocations, err := c.register(ctx, f, form)
	if err != nil {
		return nil, nil, err
	}
	c.phase("route", "waiting for %s to answer at %s", f.Name, c.cfg.Cluster.URL(f.WebApp.Hosts[0]))
	return form.job, allocations, c.router.answering(ctx, ownHost(f), f.WebApp.HealthPath(), allocations)
}

// begun says what a change of a function begins with.
func begun(name string, plan nomad.Plan) string {
	var left []string
	for _, g := range plan.Groups {
		if g.Start+g.Replace+g.Canary > 0 {
			return "starting " + name
		}
		if g.Stop > 0 {
			left = append(left, g.Group)
		}
	}
	if left == nil {
		return "changing " + name
	}
	return "taking " + name + " off " + strings.Join(left, ", ")
}

// ownHost is the host that no other function ever has.
func ownHost(f ir.Function) string { return f.WebApp.Hosts[len(f.WebApp.Hosts)-1] }

// register makes a job run in a form, and returns its new allocations when they
// are healthy.
func (c *change) register(ctx context.Context, f ir.Function, form fitted) ([]string, error) {
	source, err := jobs.HCL(form.job)
	if err != nil {
		return nil, err
	}
	evalID, err := c.nomad.Submit(ctx, form.job, form.plan.Index, source)
	if err != nil {
		return nil, err
	}
	checks := c.newCheckup(f, form.job)
	rollout, err := c.nomad.Follow(ctx, form.job, evalID, nomad.Observer{
		Progress: func(groups []nomad.GroupHealth) { c.phase("rollout", "%s: %s", f.Name, healthOf(groups)) },
		Verdict:  checks.verdict,
	})
	if failure, ok := errors.AsType[*nomad.Failure](err); ok {
		return nil, c.explainRollout(ctx, f, failure, checks)
	}
	return rollout.Allocations, err
}

// healthOf is "1 of 2 healthy on web, 0 of 1 on big".
func healthOf(groups []nomad.GroupHealth) string {
	var parts []string
	healthy := " healthy"
	for _, g := range groups {
		parts = append(parts, fmt.Sprintf("%d of %d%s on %s", g.Healthy, g.Desired, healthy, g.Group))
		healthy = ""
	}
	return strings.Join(parts, ", ")
}

// finishJob makes a job that runs in an interim form what it is to be. Nothing is
// started: how it is updated and which hosts it has is changed in place.
func (c *change) finishJob(ctx context.Context, job *nomadapi.Job) error {
	plan, err := c.nomad.Plan(ctx, job)
	if err != nil || !plan.Changed {
		return err
	}
	_, err = c.register(ctx, functionOf(c.ir, *job.ID), fitted{job: job, plan: plan})
	return err
}

// stopRemoved stops the jobs of functions that are gone, by their exact ids.
func (c *change) stopRemoved(ctx context.Context) error {
	for len(c.removed) > 0 {
		c.phase("rollout", "stopping %s", c.removed[0])
		if err := c.nomad.Stop(ctx, c.project.Name, c.removed[0]); err != nil {
			return err
		}
		c.removed = c.removed[1:]
	}
	return nil
}
