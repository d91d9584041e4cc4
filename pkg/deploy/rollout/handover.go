package rollout

import (
	"context"
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/deploy/compare"
	"fngen.dev/fngen/pkg/deploy/jobset"
	"fngen.dev/fngen/pkg/deploy/power"
)

// withHandedOver is the job with those hosts that its function gives up to
// another. It keeps them until the other answers.
func (r *Rollout) withHandedOver(job *nomadapi.Job, f ir.Function) *nomadapi.Job {
	hosts := r.handedOver(f)
	if len(hosts) == 0 {
		return job
	}
	return r.alsoAt(job, f, hosts)
}

// alsoAt is the job of a function that answers at more hosts than its own.
func (r *Rollout) alsoAt(job *nomadapi.Job, f ir.Function, hosts []string) *nomadapi.Job {
	all := slices.Concat(power.Of(f).Hosts, hosts)
	return jobs.AtHosts(job, r.IR, power.At(f, all), r.Cluster)
}

func (r *Rollout) handedOver(f ir.Function) []string {
	had := power.Of(compare.ByName(r.LiveIR)[f.Name]).Hosts
	var out []string
	for _, other := range r.IR.Functions {
		if other.Name == f.Name {
			continue
		}
		for _, host := range power.Of(other).Hosts {
			if slices.Contains(had, host) {
				out = append(out, host)
			}
		}
	}
	return out
}

// giveHosts has functions answer already at the hosts that they get of those which
// are stopped to make room for them. Until they are replaced it is their old
// instances that answer. What has been replaced has its hosts.
func (r *Rollout) giveHosts(ctx context.Context) error {
	for _, id := range r.Removed {
		if _, ran := r.LiveJobs[id]; !ran {
			continue // it is stopped to go back
		}
		gone := jobset.FunctionOf(r.LiveIR, id)
		for _, f := range r.IR.Functions {
			if err := r.give(ctx, gone, f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *Rollout) give(ctx context.Context, gone, f ir.Function) error {
	had, runs := compare.ByName(r.LiveIR)[f.Name]
	free := power.Of(gone).Hosts
	hosts := slices.DeleteFunc(slices.Clone(power.Of(f).Hosts), func(h string) bool { return !slices.Contains(free, h) })
	if !runs || len(hosts) == 0 || len(power.Of(had).Hosts) == 0 {
		return nil
	}
	job := r.LiveJobs[jobs.ID(f)]
	plan, err := r.Nomad.Plan(ctx, job)
	if err != nil || len(plan.Diff) > 0 {
		return err
	}
	r.Phase("rollout", "%s answers in the place of %s", f.Name, gone.Name)
	_, _, err = r.Become(ctx, had, r.alsoAt(job, had, hosts))
	return err
}
