//go:build linux

package e2e

import (
	"strings"
	"testing"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
	"fngen.dev/fngen/e2e/load"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// requests are the load of one story.
type requests struct{ load *load.Load }

// load sends requests to the project until it is stopped, at the latest at the
// end of the test.
func (p project) load(t *testing.T) requests {
	t.Helper()
	target, err := loaded(p.Name)
	check(t, err)
	return requests{load.Start(t.Context(), target, load.Pages("/")...)}
}

// stop ends the load, and logs and returns how many requests failed.
func (r requests) stop(t *testing.T) int {
	t.Helper()
	report := r.load.Stop()
	t.Logf("\n%s", report)
	if report.Sent() < 10 {
		t.Errorf("only %d requests", report.Sent())
	}
	return report.Failed()
}

// allow ends the load and fails if more requests than that were not answered.
func (r requests) allow(t *testing.T, limit int) {
	t.Helper()
	if failed := r.stop(t); failed > limit {
		t.Errorf("%d requests failed, %d may", failed, limit)
	}
}

// served waits until the project has answered so many requests of our own, one
// after the other. Each must be answered.
func (p project) served(t *testing.T, count int) {
	t.Helper()
	client := e2etest.Router(t)
	for i := range count {
		if cluster.Probe(t.Context(), client, p.URL()) == "" {
			t.Errorf("request %d of %d was not answered", i+1, count)
			return
		}
	}
}

// onlyOn holds that no instance of the project, of any time, was anywhere but on
// servers of these sizes and regions, given in pairs.
func (p project) onlyOn(t *testing.T, pairs ...string) {
	t.Helper()
	for _, a := range p.Allocations(t) {
		if strings.HasPrefix(a.JobID, "build-") {
			continue // on the platform's node
		}
		node, _, err := e2etest.NomadClient(t).Nodes().Info(a.NodeID, nil)
		if err != nil {
			t.Fatal(err)
		}
		allowed := false
		for i := 0; i < len(pairs); i += 2 {
			allowed = allowed || node.NodeClass == pairs[i] && node.Datacenter == pairs[i+1]
		}
		if !allowed {
			t.Errorf("an instance of %s was on %s (%s, %s)", a.JobID, node.Name, node.NodeClass, node.Datacenter)
		}
	}
}

// routed are the addresses to which the router leads requests for the project.
func (p project) routed(t *testing.T) []string {
	t.Helper()
	addresses, err := cluster.Routed(t.Context(), p.Name)
	check(t, err)
	return addresses
}
