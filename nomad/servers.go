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

// Server is a ready node, with what no allocation has reserved of it.
type Server struct {
	ID, Class, Region string
	FreeMB, FreeMHz   int64
}

// servers lists the ready nodes with what no allocation has reserved.
func (c *Client) servers(ctx context.Context) ([]Server, error) {
	out, _, err := c.reserved(ctx)
	return out, err
}

// reserved lists the ready nodes, and all allocations with what they reserve.
func (c *Client) reserved(ctx context.Context) ([]Server, []*api.AllocationListStub, error) {
	q := read(ctx, "")
	q.Params = map[string]string{"resources": "true"}
	nodes, _, err := c.api.Nodes().List(q)
	if err != nil {
		return nil, nil, fmt.Errorf("list nodes: %w", err)
	}
	q = read(ctx, "*")
	q.Params = map[string]string{"resources": "true"}
	allocs, _, err := c.api.Allocations().List(q)
	if err != nil {
		return nil, nil, fmt.Errorf("list allocations: %w", err)
	}
	var out []Server
	for _, n := range nodes {
		if n.Status == "ready" && n.SchedulingEligibility == "eligible" && n.NodeResources != nil {
			out = append(out, withFree(n, allocs))
		}
	}
	return out, allocs, nil
}

func withFree(n *api.NodeListStub, allocs []*api.AllocationListStub) Server {
	s := Server{
		ID: n.ID, Class: n.NodeClass, Region: n.Datacenter,
		FreeMB: n.NodeResources.Memory.MemoryMB, FreeMHz: n.NodeResources.Cpu.CpuShares,
	}
	if r := n.ReservedResources; r != nil {
		s.FreeMB -= int64(r.Memory.MemoryMB)
		s.FreeMHz -= int64(r.Cpu.CpuShares)
	}
	for _, a := range allocs {
		if a.NodeID == n.ID && !ended(a) {
			mb, mhz := reservedBy(a)
			s.FreeMB, s.FreeMHz = s.FreeMB-mb, s.FreeMHz-mhz
		}
	}
	return s
}

func reservedBy(a *api.AllocationListStub) (mb, mhz int64) {
	if a.AllocatedResources == nil {
		return 0, 0
	}
	for _, t := range a.AllocatedResources.Tasks {
		mb, mhz = mb+t.Memory.MemoryMB, mhz+t.Cpu.CpuShares
	}
	return mb, mhz
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

func explainRoom(g *api.TaskGroup, all []Server) string {
	class, region := Constrained(g)
	what := fmt.Sprintf("server %q (%s, %s)", *g.Name, class, region)
	var fitting []Server
	for _, s := range all {
		if s.Class == class && s.Region == region {
			fitting = append(fitting, s)
		}
	}
	if len(fitting) == 0 {
		return fmt.Sprintf("%s: the platform has no server of that size there; %s", what, offered(all, region))
	}
	slices.SortFunc(fitting, func(a, b Server) int { return cmp.Compare(b.FreeMB, a.FreeMB) })
	needMB, needMHz := int64(*g.Tasks[0].Resources.MemoryMB), int64(*g.Tasks[0].Resources.CPU)
	best := fitting[0]
	roomiest := fmt.Sprintf("the roomiest %s in %s has", class, region)
	switch {
	case best.FreeMB < needMB:
		return fmt.Sprintf("%s: an instance needs %d MB; %s %d MB free", what, needMB, roomiest, max(best.FreeMB, 0))
	case best.FreeMHz < needMHz:
		return fmt.Sprintf("%s: an instance needs %d MHz; %s %d MHz free", what, needMHz, roomiest, max(best.FreeMHz, 0))
	}
	return fmt.Sprintf("%s: %d instances of %d MB each do not fit; %s %d MB free", what, *g.Count, needMB, roomiest, best.FreeMB)
}

// offered lists the sizes of a region, or the regions there are.
func offered(all []Server, region string) string {
	var sizes, regions []string
	for _, s := range all {
		if s.Class == platformClass {
			continue
		}
		regions = append(regions, s.Region)
		if s.Region == region {
			sizes = append(sizes, s.Class)
		}
	}
	slices.Sort(sizes)
	slices.Sort(regions)
	if len(sizes) > 0 {
		return fmt.Sprintf("%s has %s", region, strings.Join(slices.Compact(sizes), ", "))
	}
	return "it has servers in " + strings.Join(slices.Compact(regions), ", ")
}

// Constrained is the size and the region of the servers that a group is for.
func Constrained(g *api.TaskGroup) (class, region string) {
	return constrainedTo(g, "${node.class}"), constrainedTo(g, "${node.datacenter}")
}

func constrainedTo(g *api.TaskGroup, attribute string) string {
	for _, c := range g.Constraints {
		if c.LTarget == attribute && c.Operand == "=" {
			return c.RTarget
		}
	}
	return ""
}
