package deploy

import (
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
)

// withHandedOver is the job with those hosts that its function gives up to one
// that does not run yet. It keeps them until the other answers.
func (c *change) withHandedOver(job *nomadapi.Job, f ir.Function) (*nomadapi.Job, error) {
	hosts := c.handedOver(f)
	if len(hosts) == 0 {
		return job, nil
	}
	project := *c.ir
	project.Functions = slices.Clone(c.ir.Functions)
	for i := range project.Functions {
		if g := &project.Functions[i]; g.Name == f.Name {
			app := *g.WebApp
			app.Hosts = slices.Concat(app.Hosts, hosts)
			g.WebApp = &app
		}
	}
	lowered, err := jobs.Lower(&project, c.release, c.cfg.Cluster)
	if err != nil {
		return nil, err
	}
	return byID(lowered)[*job.ID], nil
}

func (c *change) handedOver(f ir.Function) []string {
	had, running := functionsByName(c.old)[f.Name], functionsByName(c.old)
	if had.WebApp == nil {
		return nil
	}
	var out []string
	for _, other := range c.ir.Functions {
		if _, runs := running[other.Name]; runs || other.WebApp == nil {
			continue
		}
		for _, host := range other.WebApp.Hosts {
			if slices.Contains(had.WebApp.Hosts, host) {
				out = append(out, host)
			}
		}
	}
	return out
}
