package server

import (
	"context"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// TestPanicInARequest is answered as any fault of ours, with its place in the log,
// whether the framework or we call the handler.
func TestPanicInARequest(t *testing.T) {
	p, c := projectOf(t)
	p.deployer.statusOf = func(store.Project) (api.Status, error) { panic("a bug") }
	_, err := c.Status(t.Context(), "shop")
	if got := wantProblem(t, err, api.Internal); got.RequestID == "" || strings.Contains(got.Detail, "a bug") {
		t.Errorf("problem %+v", got)
	}
	if log := p.log.String(); !strings.Contains(log, "a bug") || !strings.Contains(log, "panic_test.go") {
		t.Errorf("the log has no place:\n%s", log)
	}
	if _, err := c.Projects(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestPanicInTheSweep does not end the process.
func TestPanicInTheSweep(t *testing.T) {
	p := newPlatform(t)
	p.server.Blobs = nil
	ctx, end := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); p.server.Sweep(ctx) }()
	within(t, "a line with the place", func() bool { return strings.Contains(p.log.String(), "sweep.go") })
	end()
	<-done
}
