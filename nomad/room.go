package nomad

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/nomad/api"
)

// platformClass is the class of the nodes that carry the platform itself; no
// project has servers of it.
const platformClass = "platform"

// server is what a ready node has, and has free of it.
type server struct {
	id, class, datacenter string
	freeMB, freeMHz       int64
}

// servers lists the ready nodes with what no allocation has reserved.
func (c *Client) servers(ctx context.Context) ([]server, error) {
	q := read(ctx, "")
	q.Params = map[string]string{"resources": "true"}
	nodes, _, err := c.api.Nodes().List(q)
	if err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	q = read(ctx, "*")
	q.Params = map[string]string{"resources": "true"}
	allocs, _, err := c.api.Allocations().List(q)
	if err != nil {
		return nil, fmt.Errorf("list allocations: %w", err)
	}
	var out []server
	for _, n := range nodes {
		if n.Status == "ready" && n.SchedulingEligibility == "eligible" && n.NodeResources != nil {
			out = append(out, withFree(n, allocs))
		}
	}
	return out, nil
}

func withFree(n *api.NodeListStub, allocs []*api.AllocationListStub) server {
	s := server{
		id: n.ID, class: n.NodeClass, datacenter: n.Datacenter,
		freeMB: n.NodeResources.Memory.MemoryMB, freeMHz: n.NodeResources.Cpu.CpuShares,
	}
	if r := n.ReservedResources; r != nil {
		s.freeMB -= int64(r.Memory.MemoryMB)
		s.freeMHz -= int64(r.Cpu.CpuShares)
	}
	for _, a := range allocs {
		if a.NodeID != n.ID || ended(a) || a.AllocatedResources == nil {
			continue
		}
		for _, t := range a.AllocatedResources.Tasks {
			s.freeMB -= t.Memory.MemoryMB
			s.freeMHz -= t.Cpu.CpuShares
		}
	}
	return s
}

// noRoom says why a group of a job of ours finds no node, in terms of servers.
// It falls back on the scheduler's own words when it cannot tell.
func (c *Client) noRoom(ctx context.Context, job *api.Job, group string, m *api.AllocationMetric) string {
	all, err := c.servers(ctx)
	if err != nil {
		return explainPlacement(job, group, m)
	}
	for _, g := range job.TaskGroups {
		if *g.Name == group && len(g.Tasks) > 0 && constrainedTo(g, "${node.class}") != "" {
			return explainRoom(g, all)
		}
	}
	return explainPlacement(job, group, m)
}

func explainRoom(g *api.TaskGroup, all []server) string {
	class, region := constrainedTo(g, "${node.class}"), constrainedTo(g, "${node.datacenter}")
	what := fmt.Sprintf("server %q (%s, %s)", *g.Name, class, region)
	var fitting []server
	for _, s := range all {
		if s.class == class && s.datacenter == region {
			fitting = append(fitting, s)
		}
	}
	if len(fitting) == 0 {
		return fmt.Sprintf("%s: the platform has no server of that size there; %s", what, offered(all, region))
	}
	slices.SortFunc(fitting, func(a, b server) int { return cmp.Compare(b.freeMB, a.freeMB) })
	needMB, needMHz := int64(*g.Tasks[0].Resources.MemoryMB), int64(*g.Tasks[0].Resources.CPU)
	best := fitting[0]
	roomiest := fmt.Sprintf("the roomiest %s in %s has", class, region)
	switch {
	case best.freeMB < needMB:
		return fmt.Sprintf("%s: an instance needs %d MB; %s %d MB free", what, needMB, roomiest, max(best.freeMB, 0))
	case best.freeMHz < needMHz:
		return fmt.Sprintf("%s: an instance needs %d MHz; %s %d MHz free", what, needMHz, roomiest, max(best.freeMHz, 0))
	}
	return fmt.Sprintf("%s: %d instances of %d MB each do not fit; %s %d MB free", what, *g.Count, needMB, roomiest, best.freeMB)
}

// offered lists the sizes of a region, or the regions there are.
func offered(all []server, region string) string {
	var sizes, regions []string
	for _, s := range all {
		if s.class == platformClass {
			continue
		}
		regions = append(regions, s.datacenter)
		if s.datacenter == region {
			sizes = append(sizes, s.class)
		}
	}
	slices.Sort(sizes)
	slices.Sort(regions)
	if len(sizes) > 0 {
		return fmt.Sprintf("%s has %s", region, strings.Join(slices.Compact(sizes), ", "))
	}
	return "it has servers in " + strings.Join(slices.Compact(regions), ", ")
}

func constrainedTo(g *api.TaskGroup, attribute string) string {
	for _, c := range g.Constraints {
		if c.LTarget == attribute && c.Operand == "=" {
			return c.RTarget
		}
	}
	return ""
}
