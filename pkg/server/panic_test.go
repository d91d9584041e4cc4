package server_test

import (
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/store"
)

// TestPanicInARequest is answered as any fault of ours, with its place in the log,
// whether the framework or we call the handler.
func TestPanicInARequest(t *testing.T) {
	p, c := servertest.WithShop(t)
	p.Deployer.StatusOf = func(store.Project) (api.Status, error) { panic("a bug") }
	_, err := c.Status(t.Context(), "shop")
	if got := servertest.WantProblem(t, err, api.Internal); got.RequestID == "" || strings.Contains(got.Detail, "a bug") {
		t.Errorf("problem %+v", got)
	}
	if log := p.Log.String(); !strings.Contains(log, "a bug") || !strings.Contains(log, "panic_test.go") {
		t.Errorf("the log has no place:\n%s", log)
	}
	if _, err := c.Projects(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
