package nomadtest

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad"
)

// Plan tells what registering a job would do.
func (c *Cluster) Plan(ctx context.Context, spec *api.Job) (nomad.Plan, error) {
	var out nomad.Plan
	err := c.do(ctx, func() error {
		if !c.namespaces[*spec.Namespace] {
			return fmt.Errorf("plan job %q: nonexistent namespace %q", *spec.ID, *spec.Namespace)
		}
		out = c.plan(spec)
		return nil
	})
	return out, err
}

func (c *Cluster) plan(spec *api.Job) nomad.Plan {
	var out nomad.Plan
	var was *api.Job
	if j, ok := c.jobs[keyOf(spec)]; ok {
		out.Index, was = j.index, j.now().spec
	}
	out.Diff = diff(was, spec)
	free := c.free()
	for _, g := range c.groups(spec) {
		p := c.planGroup(spec, g)
		out.Groups = append(out.Groups, p)
		for range p.Starts() {
			if c.find(spec, g, free) == nil {
				class, region := nomad.Constrained(lookup(spec, g))
				out.Unplaced = append(out.Unplaced, nomad.Unplaced{Group: g, Reason: fmt.Sprintf("server %q (%s, %s): no room", g, class, region)})
				break
			}
		}
	}
	out.Changed = len(out.Diff) > 0 || slices.ContainsFunc(out.Groups, func(g nomad.GroupPlan) bool { return g.Starts()+g.Stop > 0 })
	return out
}

// groups are those of a job and of its instances, sorted.
func (c *Cluster) groups(spec *api.Job) []string {
	var out []string
	for _, g := range spec.TaskGroups {
		out = append(out, *g.Name)
	}
	for _, i := range c.of(keyOf(spec)) {
		out = append(out, i.group)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (c *Cluster) planGroup(spec *api.Job, name string) nomad.GroupPlan {
	out := nomad.GroupPlan{Group: name}
	g := lookup(spec, name)
	var kept, old uint64
	for _, i := range c.of(keyOf(spec)) {
		switch {
		case i.group != name:
		case g == nil:
			out.Stop++
		case !stays(i, spec, g):
			old++
		case i.unpromoted(c) && !same(i.version.spec, spec):
			out.Stop++ // a canary of a deployment that this one ends
		case same(i.version.spec, spec):
			kept++
			out.Keep++
		default:
			kept++
			out.InPlace++
		}
	}
	if g == nil {
		return out
	}
	count := uint64(*g.Count)
	switch missing := count - min(count, kept); {
	case old == 0:
		out.Start = missing
	case canaries(g) > 0:
		out.Canary, out.Keep = missing, out.Keep+old
	default:
		out.Replace = min(old, missing)
	}
	return out
}

// stays reports whether an instance runs what a job has in its group: all but how it
// is found, updated and counted is the same, and it is where it may be.
func stays(i *instance, spec *api.Job, g *api.TaskGroup) bool {
	was := lookup(i.version.spec, i.group)
	return was != nil && same(essence(was), essence(g)) && allowed(spec, g, i.node)
}

// essence is what of a group no instance outlives a change of.
func essence(g *api.TaskGroup) api.TaskGroup {
	out := *g
	out.Count, out.Update, out.Migrate, out.Services, out.Constraints = nil, nil, nil, nil, nil
	return out
}

func canaries(g *api.TaskGroup) int {
	if g.Update == nil || g.Update.Canary == nil {
		return 0
	}
	return *g.Update.Canary
}

// diff lists what is different in a definition.
func diff(was, now *api.Job) []string {
	if was == nil {
		return []string{"job: Added"}
	}
	var out []string
	a, b := *was, *now
	a.TaskGroups, b.TaskGroups = nil, nil
	if !same(a, b) {
		out = append(out, "job: Edited")
	}
	for _, g := range now.TaskGroups {
		if old := lookup(was, *g.Name); old == nil {
			out = append(out, fmt.Sprintf("group %q: Added", *g.Name))
		} else if !same(old, g) {
			out = append(out, fmt.Sprintf("group %q: Edited", *g.Name))
		}
	}
	for _, g := range was.TaskGroups {
		if lookup(now, *g.Name) == nil {
			out = append(out, fmt.Sprintf("group %q: Deleted", *g.Name))
		}
	}
	slices.Sort(out)
	return out
}

func lookup(spec *api.Job, group string) *api.TaskGroup {
	i := slices.IndexFunc(spec.TaskGroups, func(g *api.TaskGroup) bool { return *g.Name == group })
	if i < 0 {
		return nil
	}
	return spec.TaskGroups[i]
}

func keyOf(spec *api.Job) key { return key{*spec.Namespace, *spec.ID} }

// of are the instances of a job that are to run, the oldest first.
func (c *Cluster) of(k key) []*instance {
	var out []*instance
	for _, i := range c.instances {
		if i.key == k && !i.stopping && !i.ended() {
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b *instance) int { return cmp.Compare(a.serial, b.serial) })
	return out
}

// free is the memory of each node that nothing has reserved.
func (c *Cluster) free() map[*Node]int64 {
	out := map[*Node]int64{}
	for _, n := range c.nodes {
		out[n] = n.MB
	}
	for _, i := range c.instances {
		if !i.ended() {
			out[i.node] -= reserved(lookup(i.version.spec, i.group))
		}
	}
	return out
}

func reserved(g *api.TaskGroup) int64 {
	if r := g.Tasks[0].Resources; r != nil && r.MemoryMB != nil {
		return int64(*r.MemoryMB)
	}
	return 0
}

// find takes the room for an instance from the roomiest node that may have it; nil
// when there is none.
func (c *Cluster) find(spec *api.Job, group string, free map[*Node]int64) *Node {
	g := lookup(spec, group)
	var best *Node
	for _, n := range c.nodes {
		if n.drain == nil && allowed(spec, g, n) && free[n] >= reserved(g) && (best == nil || free[n] > free[best]) {
			best = n
		}
	}
	if best != nil {
		free[best] -= reserved(g)
	}
	return best
}

// allowed reports whether a group may be on a node.
func allowed(spec *api.Job, g *api.TaskGroup, n *Node) bool {
	if !slices.Contains(spec.Datacenters, "*") && !slices.Contains(spec.Datacenters, n.Region) {
		return false
	}
	is := map[string]string{"${node.class}": n.Class, "${node.datacenter}": n.Region, "${node.unique.id}": n.ID}
	for _, rule := range slices.Concat(spec.Constraints, g.Constraints) {
		value, known := is[rule.LTarget]
		if known && (value == rule.RTarget) != (rule.Operand == "=") {
			return false
		}
	}
	return true
}
