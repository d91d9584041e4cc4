package change

import (
	"context"
	"errors"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/term"
)

// heard is how far who follows a change has come.
type heard struct {
	release int
	// resumed says that the stream began from the beginning once more.
	resumed bool
	// told is when the last event was, by the platform's clock, at when it came.
	told, at time.Time
}

// hears notes an event, and reports whether it is a new one.
func (h *heard) hears(e api.Event) bool {
	if h.resumed && !e.Time.After(h.told) {
		return false
	}
	h.at, h.told = time.Now(), e.Time
	if e.Release > 0 {
		h.release = e.Release
	}
	return true
}

// again opens the stream again of which nothing is heard any more. It is nil when nobody
// knows a release yet, or when nothing was heard for too long.
func (h *heard) again(ctx context.Context, a *command.App, client *api.Client, progress *term.Progress, project string) *api.PushStream {
	if h.release == 0 {
		return nil
	}
	progress.Begin("platform", "the connection to the platform ended: going on where it was")
	if h.resumed { // it ends again and again
		wait(ctx, a.Cut.Interval)
	}
	for ctx.Err() == nil && time.Since(h.at) < a.Cut.Time {
		stream, err := client.ReleaseEvents(ctx, project, h.release, true)
		if err == nil {
			h.resumed = true
			return stream
		}
		if problem, ok := errors.AsType[*api.Problem](err); ok && problem.Code == api.NotFound {
			return nil
		}
		wait(ctx, a.Cut.Interval)
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
