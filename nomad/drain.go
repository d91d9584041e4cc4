package nomad

import (
	"context"
	"fmt"

	"github.com/hashicorp/nomad/api"
)

// Node is one server of the platform.
type Node struct{ ID, Name string }

// Place is where an instance runs: a group of a job.
type Place struct{ Namespace, Job, Group string }

// Draining lists the nodes that are told to give up what they run, and are
// there. It answers when there is something newer than index, or after a while;
// the index that it returns is for the next call.
func (c *Client) Draining(ctx context.Context, index uint64) ([]Node, uint64, error) {
	nodes, meta, err := c.api.Nodes().List(after(ctx, "", index, wait))
	if err != nil {
		return nil, 0, fmt.Errorf("list nodes: %w", err)
	}
	var out []Node
	for _, n := range nodes {
		if n.Drain && n.Status == api.NodeStatusReady {
			out = append(out, Node{n.ID, n.Name})
		}
	}
	return out, meta.LastIndex, nil
}

// On lists what runs on a node and ought to.
func (c *Client) On(ctx context.Context, node Node) ([]Place, error) {
	q := read(ctx, "*")
	q.Filter = fmt.Sprintf("NodeID == %q and DesiredStatus == %q and ClientStatus == %q", node.ID, api.AllocDesiredStatusRun, api.AllocClientStatusRunning)
	allocs, _, err := c.api.Allocations().List(q)
	if err != nil {
		return nil, fmt.Errorf("list allocations of node %q: %w", node.Name, err)
	}
	var out []Place
	for _, a := range allocs {
		out = append(out, Place{a.Namespace, a.JobID, a.TaskGroup})
	}
	return out, nil
}
