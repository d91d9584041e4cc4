package deploy

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
func (c *change) withHandedOver(job *nomadapi.Job, f ir.Function) *nomadapi.Job {
	hosts := c.handedOver(f)
	if len(hosts) == 0 {
		return job
	}
	return c.alsoAt(job, f, hosts)
}

// alsoAt is the job of a function that answers at more hosts than its own.
func (c *change) alsoAt(job *nomadapi.Job, f ir.Function, hosts []string) *nomadapi.Job {
	all := slices.Concat(power.Of(f).Hosts, hosts)
	return jobs.AtHosts(job, c.ir, power.At(f, all), c.cfg.Cluster)
}

func (c *change) handedOver(f ir.Function) []string {
	had := power.Of(compare.ByName(c.liveIR)[f.Name]).Hosts
	var out []string
	for _, other := range c.ir.Functions {
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
func (c *change) giveHosts(ctx context.Context) error {
	for _, id := range c.removed {
		if _, ran := c.liveJobs[id]; !ran {
			continue // it is stopped to go back
		}
		gone := jobset.FunctionOf(c.liveIR, id)
		for _, f := range c.ir.Functions {
			if err := c.give(ctx, gone, f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *change) give(ctx context.Context, gone, f ir.Function) error {
	had, runs := compare.ByName(c.liveIR)[f.Name]
	free := power.Of(gone).Hosts
	hosts := slices.DeleteFunc(slices.Clone(power.Of(f).Hosts), func(h string) bool { return !slices.Contains(free, h) })
	if !runs || len(hosts) == 0 || len(power.Of(had).Hosts) == 0 {
		return nil
	}
	job := c.liveJobs[jobs.ID(f)]
	plan, err := c.nomad.Plan(ctx, job)
	if err != nil || len(plan.Diff) > 0 {
		return err
	}
	c.phase("rollout", "%s answers in the place of %s", f.Name, gone.Name)
	_, _, err = c.become(ctx, had, c.alsoAt(job, had, hosts))
	return err
}
