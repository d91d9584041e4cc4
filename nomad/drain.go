package nomad

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/nomad/api"
)

// Drain is an order to a node to give up what it runs.
type Drain struct {
	Node, Name string
	// Since tells one drain of a node from the next.
	Since time.Time
}

// Place is where an instance runs: a group of a job.
type Place struct{ Namespace, Job, Group string }

// Drains lists the drains of nodes that are there. It answers when there is
// something newer than index, or after a while; the index that it returns is for
// the next call.
func (c *Client) Drains(ctx context.Context, index uint64) ([]Drain, uint64, error) {
	nodes, meta, err := c.api.Nodes().List(after(ctx, "", index, wait))
	if err != nil {
		return nil, 0, fmt.Errorf("list nodes: %w", err)
	}
	var out []Drain
	for _, n := range nodes {
		if n.Drain && n.Status == api.NodeStatusReady && n.LastDrain != nil {
			out = append(out, Drain{n.ID, n.Name, n.LastDrain.StartedAt.UTC()})
		}
	}
	return out, meta.LastIndex, nil
}

// On lists what runs on a node and ought to.
func (c *Client) On(ctx context.Context, node string) ([]Place, error) {
	q := read(ctx, "*")
	q.Filter = fmt.Sprintf("NodeID == %q and DesiredStatus == %q and ClientStatus == %q", node, api.AllocDesiredStatusRun, api.AllocClientStatusRunning)
	allocs, _, err := c.api.Allocations().List(q)
	if err != nil {
		return nil, fmt.Errorf("list allocations of node %s: %w", node, err)
	}
	var out []Place
	for _, a := range allocs {
		out = append(out, Place{a.Namespace, a.JobID, a.TaskGroup})
	}
	return out, nil
}
