package nomad

import (
	"context"
	"fmt"

	"github.com/hashicorp/nomad/api"
)

// RunEverywhere runs a sysbatch job to its end on every ready node that its
// constraints allow, and removes it. An instance that fails is a *Failure.
func (c *Client) RunEverywhere(ctx context.Context, job *api.Job, source []byte) error {
	if err := c.Stop(ctx, *job.Namespace, *job.ID); err != nil {
		return err // what an interrupted run has left
	}
	evalID, err := c.submit(ctx, job, 0, source)
	if err != nil {
		return err
	}
	eval, err := c.evaluation(ctx, *job.Namespace, evalID)
	if err != nil {
		return err
	}
	for group, metric := range eval.FailedTGAllocs {
		return &Failure{Job: *job.ID, ExitCode: -1, Reason: "it does not fit on every node: " + explainPlacement(job, group, metric)}
	}
	allocs, err := c.drained(ctx, *job.Namespace, *job.ID)
	if err != nil {
		return err
	}
	for _, a := range allocs {
		if a.ClientStatus == api.AllocClientStatusFailed {
			return c.explain(ctx, job, fmt.Sprintf("it failed on node %q", a.NodeName), []*api.AllocationListStub{a})
		}
	}
	return c.Stop(ctx, *job.Namespace, *job.ID)
}

// collect lets the nodes delete the directories of a stopped job's allocations
// now, instead of when they run out of room.
// A node that is away deletes them when it is back, so an error is no matter.
func (c *Client) collect(ctx context.Context, namespace string, allocs []*api.AllocationListStub) {
	for _, a := range allocs {
		_ = c.api.Allocations().GC(&api.Allocation{ID: a.ID, NodeID: a.NodeID}, read(ctx, namespace))
	}
}

// drained waits until no instance of a job that is stopped, or runs once, runs
// any more, and returns them all.
func (c *Client) drained(ctx context.Context, namespace, id string) ([]*api.AllocationListStub, error) {
	var index uint64
	for {
		allocs, meta, err := c.api.Jobs().Allocations(id, true, after(ctx, namespace, index, wait))
		if err != nil {
			return nil, fmt.Errorf("list allocations of job %q: %w", id, err)
		}
		running := false
		for _, a := range allocs {
			running = running || !ended(a)
		}
		if !running {
			return allocs, nil
		}
		index = meta.LastIndex
	}
}
