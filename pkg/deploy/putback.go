package deploy

import (
	"context"
	"errors"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/jobs"
)

// putBack undoes a rollout that failed: every job that the live release has is
// made what it was, every other one is stopped. The job that failed is among
// them: Nomad has gone back to its last good version already, unless it never
// had one.
func (p *push) putBack(ctx context.Context, lowered, done []*nomadapi.Job) error {
	was := map[string]*nomadapi.Job{}
	if p.live != nil {
		old, err := decodeJobs(p.live.Jobs)
		if err != nil {
			return err
		}
		for _, job := range old {
			was[*job.ID] = job
		}
	}
	tried := lowered[:min(len(done)+1, len(lowered))]
	var errs []error
	for _, job := range tried {
		if old, ok := was[*job.ID]; ok {
			errs = append(errs, p.restore(ctx, old))
		} else {
			errs = append(errs, p.nomad.Stop(ctx, p.project.Name, *job.ID))
		}
	}
	return errors.Join(errs...)
}

// restore registers a job of the live release again and waits until it is
// healthy. Where Nomad has reverted by itself there is nothing to do.
func (p *push) restore(ctx context.Context, job *nomadapi.Job) error {
	plan, err := p.nomad.Plan(ctx, job)
	if err != nil || !plan.Changed {
		return err
	}
	source, err := jobs.HCL(job)
	if err != nil {
		return err
	}
	p.phase("rollout", "going back to release %d", p.live.Number)
	evalID, err := p.nomad.Submit(ctx, job, plan.Index, source)
	if err != nil {
		return err
	}
	_, err = p.nomad.Follow(ctx, job, evalID, nil)
	return err
}
