package evacuate

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// drained is a platform with one server that is drained, of which nothing changes, and
// one job on it.
type drained struct{}

func (drained) Drains(ctx context.Context, index uint64) ([]nomad.Drain, uint64, error) {
	if index > 0 { // until something changes
		<-ctx.Done()
		return nil, 0, ctx.Err()
	}
	return []nomad.Drain{{Node: "n1"}}, 1, nil
}

func (drained) On(context.Context, string) ([]nomad.Place, error) {
	return []nomad.Place{{Namespace: "shop", Job: "web-site", Group: "default"}}, nil
}

func (drained) AllProjects(context.Context) ([]store.Project, error) {
	return []store.Project{{ID: 1, Name: "shop"}}, nil
}

// TestAgain holds when a job that could not be moved is tried again: soon while its
// project is busy or something else may change, and late when it did not come up.
func TestAgain(t *testing.T) {
	busy := api.NewProblem(api.Busy, "a push goes on")
	for name, test := range map[string]struct {
		first error
		want  []time.Duration
	}{
		"moved":       {nil, []time.Duration{0}},
		"busy":        {busy, []time.Duration{0, interval}},
		"did not run": {errors.New("it crashed"), []time.Duration{0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				var mu sync.Mutex
				var tried []time.Duration
				begin := time.Now()
				servers := New(drained{}, drained{}, func(_ context.Context, r Relocation, _ bool) error {
					mu.Lock()
					defer mu.Unlock()
					time.Sleep(time.Millisecond)
					if tried = append(tried, time.Since(begin).Truncate(time.Second)); r.Job == "web-site" && len(tried) == 1 {
						return test.first
					}
					return nil
				}, slog.New(slog.DiscardHandler))
				done := make(chan struct{})
				go func() { defer close(done); servers.Watch(ctx) }()
				time.Sleep(time.Minute)
				cancel()
				<-done
				if !slices.Equal(tried, test.want) {
					t.Errorf("it was tried after %v, want %v", tried, test.want)
				}
			})
		})
	}
}
