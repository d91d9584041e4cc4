package deploy

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// rollOut writes the release, brings its jobs up one after the other and stops
// those of functions that are gone. When one does not come up, all go back to
// what they were.
func (p *push) rollOut(ctx context.Context) (api.PushResult, error) {
	begin := time.Now()
	lowered, err := p.addRelease(ctx)
	if err != nil {
		return api.PushResult{}, err
	}
	p.removed = removed(p.was, lowered)
	if err := p.rollJobs(ctx, p.oldFirst(lowered)); err != nil {
		err = errors.Join(err, p.putBack(ctx, lowered))
		return api.PushResult{}, errors.Join(err, p.store.SetReleaseState(ctx, p.actor, p.project.ID, p.release.Number, store.Failed, err.Error()))
	}
	if err := p.store.SetReleaseState(ctx, p.actor, p.project.ID, p.release.Number, store.Live, ""); err != nil {
		return api.PushResult{}, fmt.Errorf("mark release %d live: %w", p.release.Number, err)
	}
	p.result.RolloutMS = millis(begin)
	p.finish(true)
	return p.result, nil
}

func (p *push) rollJobs(ctx context.Context, ordered []*nomadapi.Job) error {
	rolled := map[string][]string{} // host -> the allocations behind it
	for _, job := range ordered {
		allocations, err := p.rollJob(ctx, job)
		if err != nil {
			return err
		}
		if app := functionOf(p.ir, *job.ID).WebApp; len(allocations) > 0 {
			rolled[app.Hosts[0]] = allocations
		}
	}
	if err := p.stopRemoved(ctx); err != nil {
		return err
	}
	// Only now is a host that was another function's the new one's alone.
	for _, f := range p.ir.Functions {
		if err := p.router.answering(ctx, f.WebApp.Hosts[0], f.WebApp.Health, rolled[f.WebApp.Hosts[0]]); err != nil {
			return err
		}
	}
	return nil
}

// oldFirst puts the jobs that run already before the new ones: a new function
// makes the share of each smaller, so that only then there is room for it. The
// job that has the project's own host comes before those that may give it up.
func (p *push) oldFirst(lowered []*nomadapi.Job) []*nomadapi.Job {
	ordered := slices.Clone(lowered)
	slices.SortStableFunc(ordered, func(a, b *nomadapi.Job) int {
		return cmp.Compare(p.rank(a), p.rank(b))
	})
	return ordered
}

func (p *push) rank(job *nomadapi.Job) int {
	rank := 0
	if _, runs := p.was[*job.ID]; !runs {
		rank += 2
	}
	if functionOf(p.ir, *job.ID).WebApp.Hosts[0] != p.project.Name {
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

// addRelease numbers the release and stores it with its jobs before any of them
// reaches Nomad.
func (p *push) addRelease(ctx context.Context) ([]*nomadapi.Job, error) {
	earlier, err := p.store.Releases(ctx, p.project.ID)
	if err != nil {
		return nil, fmt.Errorf("list releases: %w", err)
	}
	p.release.Number = 1
	if len(earlier) > 0 {
		p.release.Number = earlier[0].Number + 1
	}
	lowered, err := jobs.Lower(p.ir, p.release, p.cfg.Cluster)
	if err != nil {
		return nil, err
	}
	jobsText, err := encodeJobs(lowered)
	if err != nil {
		return nil, err
	}
	irText, err := json.Marshal(p.ir)
	if err != nil {
		return nil, fmt.Errorf("encode project: %w", err)
	}
	row, err := p.store.AddRelease(ctx, p.actor, store.Release{
		ProjectID: p.project.ID, Tree: p.req.Tree, Entry: p.req.Entry, Layer: p.release.Layer,
		IR: irText, Jobs: []byte(jobsText), By: p.actor.Email,
	})
	if err != nil {
		return nil, fmt.Errorf("store release: %w", err)
	}
	if row.Number != p.release.Number {
		return nil, fmt.Errorf("store release: it got number %d, not %d", row.Number, p.release.Number)
	}
	return lowered, nil
}

// rollJob brings one job up: planned, registered at the plan's index, healthy,
// and answering through the router at the function's own host, which no other
// function has. It returns the new allocations, none when there was nothing to do.
func (p *push) rollJob(ctx context.Context, job *nomadapi.Job) ([]string, error) {
	f := functionOf(p.ir, *job.ID)
	plan, err := p.planWithRoom(ctx, job, f)
	if err != nil || !plan.Changed {
		return nil, err
	}
	source, err := jobs.HCL(job)
	if err != nil {
		return nil, err
	}
	p.phase("rollout", "starting %s", f.Name)
	evalID, err := p.nomad.Submit(ctx, job, plan.Index, source)
	if err != nil {
		return nil, err
	}
	rollout, err := p.nomad.Follow(ctx, job, evalID, func(healthy, desired int) {
		p.phase("rollout", "%s: %d of %d healthy", f.Name, healthy, desired)
	})
	if failure, ok := errors.AsType[*nomad.Failure](err); ok {
		return nil, p.explainRollout(f, failure)
	}
	if err != nil {
		return nil, err
	}
	p.phase("route", "waiting for %s to answer at %s", f.Name, p.cfg.Cluster.URL(f.WebApp.Hosts[0]))
	own := f.WebApp.Hosts[len(f.WebApp.Hosts)-1]
	return rollout.Allocations, p.router.answering(ctx, own, f.WebApp.Health, rollout.Allocations)
}

// planWithRoom plans a job. Where there is no room yet it makes some: instances
// of an earlier push that still drain are waited for, and functions that the
// push removes are stopped now instead of at its end.
func (p *push) planWithRoom(ctx context.Context, job *nomadapi.Job, f ir.Function) (nomad.Plan, error) {
	for {
		plan, err := p.nomad.Plan(ctx, job)
		if err != nil || len(plan.Unplaced) == 0 {
			return plan, err
		}
		p.phase("rollout", "making room for %s", f.Name)
		waited, err := p.nomad.Settle(ctx, p.project.Name)
		if err != nil {
			return plan, err
		}
		if !waited && len(p.removed) == 0 {
			return plan, api.NewProblem(api.Failed, "there is no room for %s: %s", f.Name, plan.Unplaced[0]).
				WithHelp("choose a smaller size or another region in fngen.yml, or ask the operator for more servers")
		}
		if !waited {
			if err := p.stopRemoved(ctx); err != nil {
				return plan, err
			}
		}
	}
}

func (p *push) explainRollout(f ir.Function, failure *nomad.Failure) error {
	p.showFailure(f.Name, failure, true)
	problem := api.NewProblem(api.Failed, "%s did not come up: %s", f.Name, failure.Reason)
	if failure.ExitCode > 0 {
		problem = api.NewProblem(api.Failed, "%s did not come up: it exited with code %d", f.Name, failure.ExitCode)
	}
	if p.live != nil {
		return problem.WithHelp("release %d keeps serving", p.live.Number)
	}
	return problem.WithHelp("nothing of this project runs; mend it and push again")
}

// showFailure tells what the failed instance printed, and what Nomad noted.
func (p *push) showFailure(name string, f *nomad.Failure, output bool) {
	for _, line := range f.Events {
		p.emit(api.Event{Output: &api.Output{Source: "nomad", Line: line}})
	}
	if !output {
		return
	}
	for _, line := range f.Log {
		p.emit(api.Event{Output: &api.Output{Source: name, Line: line}})
	}
}

// stopRemoved stops the jobs of functions that are gone, by their exact ids.
func (p *push) stopRemoved(ctx context.Context) error {
	for len(p.removed) > 0 {
		p.phase("rollout", "stopping %s", p.removed[0])
		if err := p.nomad.Stop(ctx, p.project.Name, p.removed[0]); err != nil {
			return err
		}
		p.removed = p.removed[1:]
	}
	return nil
}
