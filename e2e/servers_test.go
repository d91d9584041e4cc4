//go:build linux

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/load"
)

// oneMachine is the cluster under test.
func oneMachine(t *testing.T) cluster.Cluster {
	t.Helper()
	c, err := cluster.In("..")
	check(t, err)
	return c
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// makeUp starts again what has died, and waits until it is ready.
func makeUp(t *testing.T) {
	t.Helper()
	check(t, oneMachine(t).Up(context.WithoutCancel(t.Context())))
}

// upAgain has everything of the cluster run after a test that failed half-way.
func upAgain(t *testing.T) {
	t.Cleanup(func() {
		if t.Failed() {
			makeUp(t)
		}
	})
}

func nomadClient(t *testing.T) *nomad.Client {
	t.Helper()
	client, err := cluster.Nomad()
	check(t, err)
	return client
}

// router is a client that asks through the cluster's router.
func router(t *testing.T) *http.Client {
	t.Helper()
	client, err := cluster.Router()
	check(t, err)
	return client
}

// allocations are all that were ever made for the project, the oldest first.
func (p project) allocations(t *testing.T) []*nomad.AllocationListStub {
	t.Helper()
	allocs, err := cluster.Allocations(t.Context(), p.name)
	check(t, err)
	return allocs
}

// running are the allocations of the project that run and are to.
func (p project) running(t *testing.T) []*nomad.AllocationListStub {
	t.Helper()
	allocs, err := cluster.Running(t.Context(), p.name)
	check(t, err)
	return allocs
}

// answering lists the allocations that answer at the project's address, in a few
// requests.
func (p project) answering(t *testing.T) []string {
	t.Helper()
	return cluster.Answering(t.Context(), router(t), p.url())
}

// onServers is a fngen.yml with one server definition.
func onServers(size, region string, count int) string {
	return fmt.Sprintf("servers:\n  - name: web\n    size: %s\n    region: %s\n    count: %d\n", size, region, count)
}

func ids(allocs []*nomad.AllocationListStub) []string {
	var out []string
	for _, a := range allocs {
		out = append(out, a.ID)
	}
	return out
}

func (p project) url() string { return cluster.URL(p.name) + "/" }

// requests are the load of one story.
type requests struct{ load *load.Load }

// load sends requests to the project until it is stopped, at the latest at the
// end of the test.
func (p project) load(t *testing.T) requests {
	t.Helper()
	target, err := loaded(p.name)
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
	client := router(t)
	for i := range count {
		if cluster.Probe(t.Context(), client, p.url()) == "" {
			t.Errorf("request %d of %d was not answered", i+1, count)
			return
		}
	}
}

// onlyOn holds that no instance of the project, of any time, was anywhere but on
// servers of these sizes and regions, given in pairs.
func (p project) onlyOn(t *testing.T, pairs ...string) {
	t.Helper()
	for _, a := range p.allocations(t) {
		if strings.HasPrefix(a.JobID, "build-") {
			continue // on the platform's node
		}
		node, _, err := nomadClient(t).Nodes().Info(a.NodeID, nil)
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
	addresses, err := cluster.Routed(t.Context(), p.name)
	check(t, err)
	return addresses
}
