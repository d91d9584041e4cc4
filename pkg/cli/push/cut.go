package push

import (
	"context"
	"fmt"
	"strings"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/change"
	"fngen.dev/fngen/pkg/cli/exit"
)

// outcome finds out how a push ended whose stream broke off. The platform may go on
// with it, or was stopped and undoes it when it is back. began is when it began, by
// the platform's clock.
func (p *push) outcome(ctx context.Context, began time.Time) (*api.PushResult, error) {
	p.progress.Begin("platform", "the connection to the platform ended: looking how the push ends")
	limited, cancel := context.WithTimeout(ctx, p.Cut.Time)
	defer cancel()
	for limited.Err() == nil {
		releases, err := p.client.Releases(limited, p.project)
		if err == nil {
			if r := releaseOf(releases, p.digest, began); r != nil && r.State != "pending" && r.State != "interrupted" {
				return p.settled(limited, r)
			}
		}
		select {
		case <-limited.Done():
		case <-time.After(p.Cut.Interval):
		}
	}
	if ctx.Err() != nil {
		return nil, change.Interrupted(p.project)
	}
	return nil, change.UnknownEnd(p.project)
}

// releaseOf is the release that a push of a tree has made, if it came that far.
func releaseOf(releases []api.Release, tree string, began time.Time) *api.Release {
	for i, r := range releases { // newest first
		if r.Tree == tree && !r.CreatedAt.Before(began.Truncate(time.Second)) {
			return &releases[i]
		}
	}
	return nil
}

// settled is the end of a push as the history has it.
func (p *push) settled(ctx context.Context, r *api.Release) (*api.PushResult, error) {
	switch r.State {
	case "live":
		status, err := p.client.Status(ctx, p.project)
		if err != nil {
			return nil, change.UnknownEnd(p.project)
		}
		out := &api.PushResult{Project: p.project, Release: r.Release, Changed: true}
		for _, f := range status.Functions {
			out.Functions = append(out.Functions, api.FunctionResult{Name: f.Name, Power: f.Power, URL: f.URL})
		}
		return out, nil
	case "failed":
		why, _, _ := strings.Cut(r.Reason, "\n")
		return nil, &exit.Failure{Code: api.Failed, Message: fmt.Sprintf("release %d of %s failed: %s", r.Release, p.project, why), Help: "push again, or see what runs: fngen status " + p.project}
	}
	return nil, change.UnknownEnd(p.project)
}
