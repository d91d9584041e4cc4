package deploy

import (
	"cmp"
	"context"
	"errors"
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/api"
)

func (c *change) rollJobs(ctx context.Context, ordered []*nomadapi.Job) error {
	rolled := map[string][]string{} // host -> the allocations behind it
	for _, job := range ordered {
		allocations, err := c.rollJob(ctx, job)
		if err != nil {
			return err
		}
		if app := functionOf(c.ir, *job.ID).WebApp; len(allocations) > 0 {
			rolled[app.Hosts[0]] = allocations
		}
	}
	if err := c.stopRemoved(ctx); err != nil {
		return err
	}
	// Only now is a host that was another function's the new one's alone.
	for _, f := range c.ir.Functions {
		if err := c.router.answering(ctx, f.WebApp.Hosts[0], f.WebApp.Health, rolled[f.WebApp.Hosts[0]]); err != nil {
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

// rollJob brings one job up, and then takes it away from the servers that it
// leaves. It returns the new allocations, none when there was nothing to do.
func (c *change) rollJob(ctx context.Context, job *nomadapi.Job) ([]string, error) {
	if both := c.withLeft(job); both != nil {
		if _, err := c.roll(ctx, both); err != nil {
			return nil, err
		}
	}
	return c.roll(ctx, job)
}

// roll makes a job what it is to be: planned, registered at the plan's index,
// healthy, and answering through the router at the function's own host, which no
// other function has.
func (c *change) roll(ctx context.Context, job *nomadapi.Job) ([]string, error) {
	f := functionOf(c.ir, *job.ID)
	plan, err := c.planWithRoom(ctx, job, f)
	if err != nil || !plan.Changed {
		return nil, err
	}
	source, err := jobs.HCL(job)
	if err != nil {
		return nil, err
	}
	c.phase("rollout", "starting %s", f.Name)
	evalID, err := c.nomad.Submit(ctx, job, plan.Index, source)
	if err != nil {
		return nil, err
	}
	rollout, err := c.nomad.Follow(ctx, job, evalID, func(healthy, desired int) {
		c.phase("rollout", "%s: %d of %d healthy", f.Name, healthy, desired)
	})
	if failure, ok := errors.AsType[*nomad.Failure](err); ok {
		return nil, c.explainRollout(f, failure)
	}
	if err != nil {
		return nil, err
	}
	c.phase("route", "waiting for %s to answer at %s", f.Name, c.cfg.Cluster.URL(f.WebApp.Hosts[0]))
	own := f.WebApp.Hosts[len(f.WebApp.Hosts)-1]
	return rollout.Allocations, c.router.answering(ctx, own, f.WebApp.Health, rollout.Allocations)
}

// planWithRoom plans a job. Where there is no room yet it makes some: instances
// of an earlier push that still drain are waited for, and functions that the
// push removes are stopped now instead of at its end.
func (c *change) planWithRoom(ctx context.Context, job *nomadapi.Job, f ir.Function) (nomad.Plan, error) {
	for {
		plan, err := c.nomad.Plan(ctx, job)
		if err != nil || len(plan.Unplaced) == 0 {
			return plan, err
		}
		c.phase("rollout", "making room for %s", f.Name)
		waited, err := c.nomad.Settle(ctx, c.project.Name)
		if err != nil {
			return plan, err
		}
		if !waited && len(c.removed) == 0 {
			return plan, api.NewProblem(api.Failed, "there is no room for %s: %s", f.Name, plan.Unplaced[0]).
				WithHelp("choose a smaller size or another region in fngen.yml, or ask the operator for more servers")
		}
		if !waited {
			if err := c.stopRemoved(ctx); err != nil {
				return plan, err
			}
		}
	}
}

func (c *change) explainRollout(f ir.Function, failure *nomad.Failure) error {
	c.showFailure(f.Name, failure, true)
	problem := api.NewProblem(api.Failed, "%s did not come up: %s", f.Name, failure.Reason)
	if failure.ExitCode > 0 {
		problem = api.NewProblem(api.Failed, "%s did not come up: it exited with code %d", f.Name, failure.ExitCode)
	}
	if c.live != nil {
		return problem.WithHelp("release %d keeps serving", c.live.Number)
	}
	return problem.WithHelp("nothing of this project runs; mend it and push again")
}

// showFailure tells what the failed instance printed, and what Nomad noted.
func (c *change) showFailure(name string, f *nomad.Failure, output bool) {
	for _, line := range f.Events {
		c.emit(api.Event{Output: &api.Output{Source: "nomad", Line: line}})
	}
	if !output {
		return
	}
	for _, line := range f.Log {
		c.emit(api.Event{Output: &api.Output{Source: name, Line: line}})
	}
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
