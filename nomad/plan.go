package nomad

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/nomad/api"
)

// Plan is what registering a job would do, as Nomad's scheduler sees it.
type Plan struct {
	// Index is the job's modify index; 0 when it does not exist. Place refuses when
	// it has moved.
	Index uint64
	// Changed says whether registering would do anything at all: a changed
	// definition, or instances that ought to run and do not.
	Changed bool
	// Groups says what would be done in each group, sorted by name.
	Groups []GroupPlan
	// Diff lists what would change in the definition, a line each, sorted.
	Diff []string
	// Unplaced are the groups without room, sorted.
	Unplaced []Unplaced
}

// Unplaced is a group that finds no room.
type Unplaced struct {
	Group string
	// Reason is a sentence that begins with the server it is about.
	Reason string
}

// GroupPlan counts the instances of a group by what would become of them.
type GroupPlan struct {
	Group                                 string
	Start, Replace, InPlace, Stop, Canary uint64
	// Keep are those that are left alone.
	Keep uint64
}

// Starts is how many instances would be started, of all groups.
func (p Plan) Starts() uint64 {
	var out uint64
	for _, g := range p.Groups {
		out += g.Starts()
	}
	return out
}

// Starts is how many instances would be started.
func (g GroupPlan) Starts() uint64 { return g.Start + g.Replace + g.Canary }

// Plan asks the scheduler what registering job would do. It changes nothing.
func (c *Client) Plan(ctx context.Context, job *api.Job) (Plan, error) {
	resp, _, err := c.api.Jobs().PlanOpts(job, &api.PlanOptions{Diff: true}, write(ctx, *job.Namespace))
	if err != nil {
		return Plan{}, fmt.Errorf("plan job %q: %w", *job.ID, err)
	}
	edited := resp.Diff == nil || resp.Diff.Type != "None"
	out := Plan{Index: resp.JobModifyIndex, Groups: groupPlans(resp.Annotations, edited), Diff: flatten(resp.Diff)}
	out.Changed = edited || slices.ContainsFunc(out.Groups, moves)
	for group, metric := range resp.FailedTGAllocs {
		out.Unplaced = append(out.Unplaced, Unplaced{group, c.noRoom(ctx, job, group, metric)})
	}
	slices.SortFunc(out.Unplaced, func(a, b Unplaced) int { return strings.Compare(a.Group, b.Group) })
	return out, nil
}

// groupPlans reads the scheduler's counts. Without a difference in the definition
// an update in place is none: a plan, unlike a registration, leaves out which
// token registered the job, so that with ACLs on every plan has some. Nor is a
// canary, which a plan also shows while instances of two older versions drain.
func groupPlans(a *api.PlanAnnotations, edited bool) []GroupPlan {
	if a == nil {
		return nil
	}
	var out []GroupPlan
	for _, name := range slices.Sorted(maps.Keys(a.DesiredTGUpdates)) {
		u := a.DesiredTGUpdates[name]
		g := GroupPlan{
			Group: name, Start: u.Place + u.Migrate, Replace: u.DestructiveUpdate, InPlace: u.InPlaceUpdate,
			Stop: u.Stop, Canary: u.Canary, Keep: u.Ignore,
		}
		if !edited {
			g.Keep, g.InPlace, g.Canary = g.Keep+g.InPlace, 0, 0
		}
		out = append(out, g)
	}
	return out
}

// moves reports whether the scheduler would start or stop any allocation. An
// unchanged job whose instances are gone has no diff, and yet something to do.
func moves(g GroupPlan) bool { return g.Starts()+g.Stop > 0 }

// explainPlacement says in words why a group finds no node.
func explainPlacement(job *api.Job, group string, m *api.AllocationMetric) string {
	var reasons []string
	for dimension, n := range m.DimensionExhausted {
		reasons = append(reasons, fmt.Sprintf("%d without enough %s", n, dimension))
	}
	for constraint, n := range m.ConstraintFiltered {
		reasons = append(reasons, fmt.Sprintf("%d excluded by %s", n, constraint))
	}
	slices.Sort(reasons)
	needs := ""
	for _, g := range job.TaskGroups {
		if *g.Name == group && len(g.Tasks) > 0 && g.Tasks[0].Resources.MemoryMB != nil {
			needs = fmt.Sprintf(", needs %d MB", *g.Tasks[0].Resources.MemoryMB)
		}
	}
	if len(reasons) == 0 {
		reasons = []string{"no node is ready"}
	}
	return fmt.Sprintf("server %q%s: of %d nodes, %s", group, needs, m.NodesEvaluated, strings.Join(reasons, ", "))
}
