package deploy

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

// prune destroys the versions that nothing needs any more: what could come back by a
// rollback, what the next push takes and the newest one stay. What fails is done after
// the next change.
func (v *setting) prune(ctx context.Context) {
	old, err := v.unneeded(ctx)
	if err == nil && len(old) > 0 {
		err = v.secrets.Destroy(ctx, v.project.Name, old)
	}
	if err != nil {
		v.log.Warn("destroy old variables", slog.String("project", v.project.Name), slog.Any("error", err))
	}
}

func (v *setting) unneeded(ctx context.Context) ([]int, error) {
	current, err := v.store.CurrentVariables(ctx, v.project.ID)
	if err != nil {
		return nil, err
	}
	needed := []int{current}
	releases, err := v.store.Releases(ctx, v.project.ID)
	if err != nil {
		return nil, err
	}
	for _, r := range releases {
		if !r.History() {
			needed = append(needed, r.EnvVersion)
		}
	}
	old, err := v.secrets.Old(ctx, v.project.Name, time.Now().Add(-PruneAfter))
	return slices.DeleteFunc(old, func(n int) bool { return slices.Contains(needed, n) }), err
}
