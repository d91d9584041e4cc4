//go:build linux

package e2e

import (
	"slices"
	"strings"
	"testing"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/load"
)

// TestProcessesUnderLoad kills one of the two processes of an instance, and then
// pushes a change of the app, all under load: what the killed one had begun may fail,
// and nothing else.
func TestProcessesUnderLoad(t *testing.T) {
	requireCluster(t)
	beside(t, "xl")
	p := newProject(t)
	p.write(t, "requirements.txt", "fastapi\n")
	p.write(t, "fngen.yml", onServers("xl", "us-west", 1)+"functions: {live_app: {processes: 2}}\n")
	p.write(t, "app.py", load.App(1))
	if out := p.run(t, "plan", p.name, "."); !strings.Contains(out, "@webapp, processes 2") {
		t.Errorf("the plan does not say how many processes:\n%s", out)
	}
	p.run(t, "push", p.name, ".")
	both := p.workers(t, 0)

	requests := p.load(t)
	check(t, cluster.Kill(both[0]))
	after := p.workers(t, both[0])
	if !slices.Contains(after, both[1]) {
		t.Errorf("of %v the first was killed, and now there are %v", both, after)
	}
	requests.allow(t, underWay)

	requests = p.load(t)
	p.write(t, "app.py", load.App(2))
	p.run(t, "push", p.name, ".")
	p.served(t, 20)
	requests.allow(t, 0)
}

// workers waits until two processes serve the only instance, none of which is but.
func (p project) workers(t *testing.T, but int) []int {
	t.Helper()
	var found []int
	if !eventually(func() bool {
		var err error
		found, err = cluster.Workers(p.running(t)[0].ID)
		check(t, err)
		return len(found) == 2 && !slices.Contains(found, but)
	}) {
		t.Fatalf("not two processes without %d serve, but %v", but, found)
	}
	return found
}
