package nomad

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/nomad/api"
)

// sysbatchAgain is the wait before a job is given once more to nodes that had no
// room for it, and sysbatchTime how long that goes on. Jobs of this kind are short,
// so that it is mostly one of another project that has the room.
const (
	sysbatchAgain = time.Second
	sysbatchTime  = time.Minute
)

// RunSysbatch runs a sysbatch job to its end on every ready node that its
// constraints allow, and removes it. A node that has no room for it is waited for.
// An instance that fails is a *Failure, as is a node without room in the end.
func (c *Client) RunSysbatch(ctx context.Context, job *api.Job, source []byte) error {
	for begin := time.Now(); ; {
		full, err := c.runOnAll(ctx, job, source)
		if err != nil || full == nil {
			return err
		}
		if time.Since(begin) > sysbatchTime {
			return full
		}
		select {
		case <-ctx.Done():
			return full
		case <-time.After(sysbatchAgain):
		}
	}
}

// runOnAll runs the job on the nodes that have room for it, and says which have
// none.
func (c *Client) runOnAll(ctx context.Context, job *api.Job, source []byte) (full *Failure, err error) {
	if err := c.Stop(ctx, *job.Namespace, *job.ID); err != nil {
		return nil, err // what an interrupted run has left
	}
	evalID, err := c.submit(ctx, job, 0, source)
	if err != nil {
		return nil, err
	}
	eval, err := c.evaluation(ctx, *job.Namespace, evalID)
	if err != nil {
		return nil, err
	}
	for group, metric := range eval.FailedTGAllocs {
		full = &Failure{Job: *job.ID, ExitCode: -1, Reason: "it does not fit on every node: " + explainPlacement(job, group, metric)}
	}
	allocs, err := c.drained(ctx, *job.Namespace, *job.ID)
	if err != nil {
		return full, err
	}
	for _, a := range allocs {
		if a.ClientStatus == api.AllocClientStatusFailed {
			return nil, c.explain(ctx, job, fmt.Sprintf("it failed on node %q", a.NodeName), []*api.AllocationListStub{a})
		}
	}
	return full, c.Stop(ctx, *job.Namespace, *job.ID)
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
