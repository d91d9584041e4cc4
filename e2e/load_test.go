//go:build linux

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
	"fngen.dev/fngen/e2e/load"
)

// TestProcessesUnderLoad kills one of the two processes of an instance, and then
// pushes a change of the app, all under load: what the killed one had begun may fail,
// and nothing else.
func TestProcessesUnderLoad(t *testing.T) {
	cluster.Require(t)
	e2etest.Beside(t, "xl")
	p := newProject(t)
	p.Write(t, "requirements.txt", "fastapi\n")
	p.Write(t, "fngen.yml", e2etest.OnServers("xl", "us-west", 1)+"functions: {live_app: {processes: 2}}\n")
	p.Write(t, "app.py", load.App(1))
	if out := p.Run(t, "plan", p.Name, "."); !strings.Contains(out, "@webapp, processes 2") {
		t.Errorf("the plan does not say how many processes:\n%s", out)
	}
	p.Run(t, "push", p.Name, ".")
	both := p.workers(t, 0)

	requests := p.load(t)
	check(t, cluster.Kill(both[0]))
	after := p.workers(t, both[0])
	if !slices.Contains(after, both[1]) {
		t.Errorf("of %v the first was killed, and now there are %v", both, after)
	}
	requests.allow(t, underWay)

	requests = p.load(t)
	p.Write(t, "app.py", load.App(2))
	p.Run(t, "push", p.Name, ".")
	p.served(t, 20)
	requests.allow(t, 0)
}

// workers waits until two processes serve the only instance, none of which is but.
func (p project) workers(t *testing.T, but int) []int {
	t.Helper()
	var found []int
	if !e2etest.Eventually(func() bool {
		var err error
		found, err = cluster.Workers(p.Running(t)[0].ID)
		check(t, err)
		return len(found) == 2 && !slices.Contains(found, but)
	}) {
		t.Fatalf("not two processes without %d serve, but %v", but, found)
	}
	return found
}

// pushesUnderLoad is how often TestPushesUnderLoad pushes to each fleet; bench
// pushes a hundred times.
const pushesUnderLoad = 2

// TestPushesUnderLoad pushes again and again, each time as soon as the push before
// is done: to one server, to three in its place, and back, with a push in between
// that fails. It holds that of all that people do meanwhile - long answers,
// bodies, WebSockets - nothing fails.
func TestPushesUnderLoad(t *testing.T) {
	cluster.Require(t)
	p := newProject(t)
	p.Write(t, "requirements.txt", "fastapi\n")
	p.Write(t, "fngen.yml", load.OneServer)
	p.Write(t, "app.py", load.App(1))
	p.Run(t, "push", p.Name, ".")
	target, err := loaded(p.Name)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	requests := load.Start(t.Context(), target, load.Everything()...)
	releases := 1
	push := func() {
		releases++
		p.Write(t, "app.py", load.App(releases))
		at := time.Since(began)
		p.Run(t, "push", p.Name, ".")
		t.Logf("release %d: pushed from %.1f s to %.1f s", releases, at.Seconds(), time.Since(began).Seconds())
	}
	for range pushesUnderLoad {
		push()
	}
	p.Write(t, "fngen.yml", load.ThreeServers)
	for range pushesUnderLoad {
		push()
	}
	if out := p.Run(t, "status", p.Name); strings.Count(out, "\n") != 3 {
		t.Errorf("not three servers:\n%s", out)
	}

	p.Write(t, "fngen.yml", load.OneServer)
	p.Write(t, "app.py", "raise SystemExit\n"+load.App(0))
	at := time.Since(began)
	if out, err := p.Command("push", p.Name, ".").CombinedOutput(); err == nil {
		t.Errorf("an app that ends at once was pushed:\n%s", out)
	}
	t.Logf("failed push from %.1f s to %.1f s", at.Seconds(), time.Since(began).Seconds())
	if out := p.Run(t, "status", p.Name); strings.Count(out, "\n") != 3 {
		t.Errorf("after a failed push not the three servers from before:\n%s", out)
	}
	served := releases
	releases++ // it has a number too
	push()
	served++
	if out := p.Run(t, "status", p.Name); strings.Count(out, "\n") != 1 {
		t.Errorf("not one server:\n%s", out)
	}

	report := requests.Stop()
	t.Logf("\n%s", report)
	if report.Failed() > 0 {
		t.Errorf("%d of %d requests failed", report.Failed(), report.Sent())
	}
	for _, k := range report.Kinds {
		if k.Sent < pushesUnderLoad {
			t.Errorf("%s: only %d requests", k.Kind, k.Sent)
		}
	}
	if len(report.Releases) != served {
		t.Errorf("%d releases answered, not %d", len(report.Releases), served)
	}
}

// TestFleet pushes changes of the fleet under load, and no request fails.
func TestFleet(t *testing.T) {
	cluster.Require(t)
	p := newProject(t)
	p.Write(t, "app.py", fmt.Sprintf(e2etest.SlowApp, "one", 0))
	p.Write(t, "fngen.yml", e2etest.OnServers("s", "us-west", 1))
	p.Run(t, "push", p.Name, ".")
	for _, step := range []fleetChange{
		{"another size", "xl", "us-west", 1},
		{"another region", "m", "eu-central", 1},
		{"more servers", "s", "us-west", 2},
		{"fewer servers", "s", "us-west", 1},
	} {
		t.Run(step.name, func(t *testing.T) { step.push(t, p) })
	}
	p.onlyOn(t, "s", "us-west", "xl", "us-west", "m", "eu-central")
}

// fleetChange is the one server definition of a fngen.yml.
type fleetChange struct {
	name, size, region string
	count              int
}

// push makes the change. What runs afterwards is on servers of the new kind only.
func (c fleetChange) push(t *testing.T, p project) {
	p.Write(t, "fngen.yml", e2etest.OnServers(c.size, c.region, c.count))
	requests := p.load(t)
	begin := time.Now()
	p.Run(t, "push", p.Name, ".")
	t.Logf("pushed in %s", time.Since(begin).Round(time.Millisecond))
	requests.allow(t, 0)
	now := p.Running(t)
	if len(now) != c.count {
		t.Errorf("%d run, not %d", len(now), c.count)
	}
	for _, a := range now {
		if node := nodeOf(t, a); node.NodeClass != c.size || node.Datacenter != c.region {
			t.Errorf("one runs on %s (%s, %s)", node.Name, node.NodeClass, node.Datacenter)
		}
	}
}

func nodeOf(t *testing.T, a *nomad.AllocationListStub) *nomad.Node {
	t.Helper()
	node, _, err := e2etest.NomadClient(t).Nodes().Info(a.NodeID, nil)
	if err != nil {
		t.Fatal(err)
	}
	return node
}
