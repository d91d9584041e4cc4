package variables

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

// PruneAfter is how old a version of variables is at least when it is destroyed: of a
// release that has just gone an instance may still be ending, and its server asks for the
// variables again when Nomad starts there.
const PruneAfter = 24 * time.Hour

// Prune destroys the versions that nothing needs any more: what could come back by a
// rollback, what the next push takes and the newest one stay. What fails is done after
// the next change.
func (c *Change) Prune(ctx context.Context) {
	old, err := c.unneeded(ctx)
	if err == nil && len(old) > 0 {
		err = c.Secrets.Destroy(ctx, c.Project.Name, old)
	}
	if err != nil {
		c.Log.Warn("destroy old variables", slog.String("project", c.Project.Name), slog.Any("error", err))
	}
}

func (c *Change) unneeded(ctx context.Context) ([]int, error) {
	current, err := c.Store.CurrentVariables(ctx, c.Project.ID)
	if err != nil {
		return nil, err
	}
	needed := []int{current}
	releases, err := c.Store.Releases(ctx, c.Project.ID)
	if err != nil {
		return nil, err
	}
	for _, r := range releases {
		if !r.History() {
			needed = append(needed, r.EnvVersion)
		}
	}
	old, err := c.Secrets.Old(ctx, c.Project.Name, time.Now().Add(-PruneAfter))
	return slices.DeleteFunc(old, func(n int) bool { return slices.Contains(needed, n) }), err
}
