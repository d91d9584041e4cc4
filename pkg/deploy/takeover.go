package deploy

import (
	"context"
	"log/slog"
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/pkg/deploy/jobset"
	"fngen.dev/fngen/pkg/store"
)

// A release that failed cannot be undone when what was live before does not come up
// any more, for example because a database has changed for good. Nomad then goes back
// to what was well last, which is the release that failed, and trying again does not
// help. A push or a rollback takes the place of all of it, job by job.

// toRemove are the jobs that a change has no function for: of what was live, and of
// the releases that it takes the place of.
func (c *change) toRemove(lowered []*nomadapi.Job) []string {
	out := jobset.Missing(c.LiveJobs, lowered)
	for _, r := range c.replaces {
		jobs, err := jobset.Decode(r.Jobs)
		if err != nil {
			c.log.Error("read the jobs of an interrupted release", slog.String("project", c.project.Name), slog.Int("release", r.Number), slog.Any("error", err))
			continue
		}
		out = append(out, jobset.Missing(jobset.ByID(jobs), lowered)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// settleOver notes that nothing is left of the releases that a change has taken the
// place of. Where that cannot be noted now it is found out later.
func (c *change) settleOver(ctx context.Context) {
	for _, r := range c.replaces {
		if err := c.settle(ctx, r); err != nil {
			c.log.Warn("settle an interrupted release", slog.String("project", c.project.Name), slog.Int("release", r.Number), slog.Any("error", err))
			defer c.undoLater(c.project)
		}
	}
	c.replaces = nil
}

// settle notes that a release is undone.
func (c *change) settle(ctx context.Context, r store.Release) error {
	state, reason := store.Failed, whyFailed(r)
	if !r.LiveAt.IsZero() {
		state, reason = store.Superseded, ""
	}
	return c.store.SetReleaseState(ctx, c.actor, c.project.ID, r.Number, state, reason)
}
