package nomad

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/nomad/api"
)

// Instance is one allocation of a service job.
type Instance struct {
	Allocation string
	Group      string
	Node       string
	State      string
	Healthy    bool
	Restarts   uint64
	StartedAt  time.Time
	JobVersion uint64
}

// Instances lists the allocations of a job that ought to run, by group and age.
// A job that does not exist has none.
func (c *Client) Instances(ctx context.Context, namespace, jobID string) ([]Instance, error) {
	allocs, _, err := c.api.Jobs().Allocations(jobID, false, read(ctx, namespace))
	if err != nil {
		return nil, fmt.Errorf("list allocations of job %q: %w", jobID, err)
	}
	var out []Instance
	for _, a := range allocs {
		if a.DesiredStatus != api.AllocDesiredStatusRun {
			continue
		}
		out = append(out, instance(a))
	}
	slices.SortFunc(out, func(a, b Instance) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.Allocation, b.Allocation))
	})
	return out, nil
}

func instance(a *api.AllocationListStub) Instance {
	out := Instance{
		Allocation: a.ID, Group: a.TaskGroup, Node: a.NodeName, State: a.ClientStatus,
		Healthy:    a.DeploymentStatus != nil && a.DeploymentStatus.Healthy != nil && *a.DeploymentStatus.Healthy,
		JobVersion: a.JobVersion,
	}
	for _, state := range a.TaskStates {
		out.Restarts += state.Restarts
		out.StartedAt = state.StartedAt
	}
	return out
}
