//go:build linux

package e2e

import (
	"fmt"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"
)

// TestFleet pushes changes of the fleet under load, and no request fails.
func TestFleet(t *testing.T) {
	requireCluster(t)
	p := newProject(t)
	p.write(t, "app.py", fmt.Sprintf(slowApp, "one", 0))
	p.write(t, "fngen.yml", onServers("s", "us-west", 1))
	p.run(t, "push", p.name, ".")
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
	p.write(t, "fngen.yml", onServers(c.size, c.region, c.count))
	requests := p.load(t)
	begin := time.Now()
	p.run(t, "push", p.name, ".")
	t.Logf("pushed in %s", time.Since(begin).Round(time.Millisecond))
	requests.allow(t, 0)
	now := p.running(t)
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
	node, _, err := nomadClient(t).Nodes().Info(a.NodeID, nil)
	if err != nil {
		t.Fatal(err)
	}
	return node
}
