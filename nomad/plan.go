package nomad

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/nomad/api"
)

// Plan is what registering a job would do, as Nomad's scheduler sees it.
type Plan struct {
	// Index is the job's modify index; 0 when it does not exist. Submit refuses
	// when it has moved.
	Index uint64
	// Changed says whether registering would do anything at all: a changed
	// definition, or instances that ought to run and do not.
	Changed bool
	// Unplaced says, for each group without room, why.
	Unplaced []string
}

// Plan asks the scheduler what registering job would do. It changes nothing.
func (c *Client) Plan(ctx context.Context, job *api.Job) (Plan, error) {
	resp, _, err := c.api.Jobs().PlanOpts(job, &api.PlanOptions{Diff: true}, write(ctx, *job.Namespace))
	if err != nil {
		return Plan{}, fmt.Errorf("plan job %q: %w", *job.ID, err)
	}
	out := Plan{Index: resp.JobModifyIndex, Changed: resp.Diff == nil || resp.Diff.Type != "None" || moves(resp.Annotations)}
	for group, metric := range resp.FailedTGAllocs {
		out.Unplaced = append(out.Unplaced, explainPlacement(job, group, metric))
	}
	slices.Sort(out.Unplaced)
	return out, nil
}

// moves reports whether the scheduler would start or stop any allocation. An
// unchanged job whose instances are gone has no diff, and yet something to do.
// In-place updates do not count: a plan, unlike a registration, leaves out which
// token registered the job, so that with ACLs on every plan has some.
func moves(a *api.PlanAnnotations) bool {
	if a == nil {
		return false
	}
	for _, u := range a.DesiredTGUpdates {
		if u.Place+u.Migrate+u.Stop+u.DestructiveUpdate+u.Canary > 0 {
			return true
		}
	}
	return false
}

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
