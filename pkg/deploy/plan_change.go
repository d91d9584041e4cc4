package deploy

import (
	"context"
	"fmt"

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
