package deploy

import (
	"context"
	"fmt"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/compare"
	"fngen.dev/fngen/pkg/deploy/power"
)

// compared is what is live beside what is planned.
func (p *plan) compared() compare.Projects {
	return compare.Projects{Old: p.LiveIR, New: p.IR, Cluster: p.cfg.Cluster, Recoded: p.liveRelease != nil && p.liveRelease.Tree != p.release.Tree}
}

// withDepths says how many tasks are in each queue. One with tasks in it outlives its
// function.
func (p *plan) withDepths(ctx context.Context, queues []api.PlannedQueue) ([]api.PlannedQueue, error) {
	if len(queues) == 0 || p.cfg.Tasks == nil {
		return queues, nil
	}
	depths, err := p.cfg.Tasks.Queues(ctx, p.project)
	if err != nil {
		return nil, fmt.Errorf("read the queues of %q: %w", p.project.Name, err)
	}
	for i := range queues {
		for _, d := range depths {
			if d.Name == queues[i].Name {
				queues[i].Messages = d.Ready + d.Running
				queues[i].Parked = queues[i].Action == api.Remove && queues[i].Messages > 0
			}
		}
	}
	return queues, nil
}

// commands lists what a push of a change runs before its rollout.
func (p *plan) commands(changed bool) ([]api.PlannedCommand, error) {
	out := []api.PlannedCommand{}
	if !changed {
		return out, nil
	}
	commands, err := jobs.Commands(p.IR, p.release, p.cfg.Cluster)
	if err != nil {
		return out, api.NewProblem(api.Invalid, "the plan cannot be lowered to jobs: %v", err)
	}
	for _, c := range commands {
		out = append(out, api.PlannedCommand{Function: c.Function.Name, Command: power.Of(c.Function).Command})
	}
	return out, nil
}

// applied is what the change would apply now.
func (c *change) applied(lowered []*nomadapi.Job) compare.Applied {
	return compare.Applied{Live: c.LiveNumber, Release: c.release.Number, Tree: c.release.Tree, Jobs: lowered}
}

// asPlanned refuses a push that would not do what was planned. It is asked while
// nobody else can change the project; what somebody does to a job in Nomad after
// that is refused by the job's index.
func (p *push) asPlanned(ctx context.Context) error {
	if p.req.Plan == "" {
		return nil
	}
	planned := *p.change
	var err error
	if planned.release.Number, err = p.store.NextRelease(ctx, p.project.ID); err != nil {
		return fmt.Errorf("number a release: %w", err)
	}
	lowered, err := planned.lower()
	if err != nil {
		return err
	}
	now, err := planned.applied(lowered).Seal(func(job *nomadapi.Job) (uint64, error) {
		seen, err := p.nomad.Plan(ctx, job)
		return seen.Index, err
	})
	if err != nil || now == p.req.Plan {
		return err
	}
	return p.drifted()
}

func (p *push) drifted() error {
	live := "nothing is live"
	if p.liveRelease != nil {
		live = fmt.Sprintf("release %d is live", p.liveRelease.Number)
	}
	return api.NewProblem(api.Drifted, "the plan does not hold any more: since it was made the project, its jobs in Nomad or the platform have changed (%s)", live).
		WithHelp("nothing was changed. Make a new plan: fngen plan %s --json", p.project.Name)
}
