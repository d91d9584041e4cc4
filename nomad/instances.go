package nomad

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/nomad/api"
)

// Instance is one allocation of a service job.
type Instance struct {
	Allocation string
	Group      string
	Node       string
	NodeID     string
	State      string
	Healthy    bool
	Restarts   uint64
	StartedAt  time.Time
	// Args are the arguments of its task, by which the caller knows what it runs.
	Args []string
}

// Instances lists the allocations of a job that ought to run, by group and age, but for
// those on servers out of reach that another one has replaced.
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
		full, _, err := c.api.Allocations().Info(a.ID, read(ctx, namespace))
		if err != nil {
			return nil, fmt.Errorf("read allocation %s: %w", a.ID, err)
		}
		if a.ClientStatus == api.AllocClientStatusUnknown && full.NextAllocation != "" {
			continue
		}
		out = append(out, instance(a, full))
	}
	slices.SortFunc(out, func(a, b Instance) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.Allocation, b.Allocation))
	})
	return out, nil
}

// Address is where the first port of an allocation listens, host:port.
func (c *Client) Address(ctx context.Context, namespace, allocation string) (string, error) {
	full, _, err := c.api.Allocations().Info(allocation, read(ctx, namespace))
	if err != nil {
		return "", fmt.Errorf("read allocation %s: %w", allocation, err)
	}
	if full.AllocatedResources == nil || len(full.AllocatedResources.Shared.Ports) == 0 {
		return "", fmt.Errorf("allocation %s has no port", allocation)
	}
	port := full.AllocatedResources.Shared.Ports[0]
	return net.JoinHostPort(port.HostIP, strconv.Itoa(port.Value)), nil
}

func instance(a *api.AllocationListStub, full *api.Allocation) Instance {
	out := Instance{
		Allocation: a.ID, Group: a.TaskGroup, Node: a.NodeName, NodeID: a.NodeID, State: a.ClientStatus,
		Healthy: a.DeploymentStatus != nil && a.DeploymentStatus.Healthy != nil && *a.DeploymentStatus.Healthy,
		Args:    args(full),
	}
	for _, state := range a.TaskStates {
		out.Restarts += state.Restarts
		out.StartedAt = state.StartedAt
	}
	return out
}

func args(a *api.Allocation) []string {
	var out []string
	if group := a.GetTaskGroup(); group != nil && len(group.Tasks) > 0 {
		list, _ := group.Tasks[0].Config["args"].([]any)
		for _, arg := range list {
			if s, ok := arg.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}
