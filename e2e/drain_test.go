//go:build linux

package e2e

import (
	"slices"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"
)

// drain tells a server to give up what it runs, and lets it take jobs again at
// the end of the test.
func drain(t *testing.T, node string) {
	t.Helper()
	t.Cleanup(func() { admit(t, node) })
	if _, err := nomadClient(t).Nodes().UpdateDrain(node, &nomad.DrainSpec{Deadline: 10 * time.Minute}, false, nil); err != nil {
		t.Fatal(err)
	}
}

// admit ends a drain: the server takes jobs again.
func admit(t *testing.T, node string) {
	t.Helper()
	if _, err := nomadClient(t).Nodes().UpdateDrain(node, nil, true, nil); err != nil {
		t.Error(err)
	}
}

// leaves waits until nothing of the project runs on a server, and what is to run
// elsewhere does.
func (p project) leaves(t *testing.T, node string) {
	t.Helper()
	begin := time.Now()
	left := func() bool {
		return !slices.ContainsFunc(p.allocations(t), func(a *nomad.AllocationListStub) bool {
			return a.NodeID == node && a.ClientStatus == nomad.AllocClientStatusRunning
		})
	}
	if !eventually(left) {
		t.Fatal("the server is not emptied")
	}
	t.Logf("the server was empty after %s", time.Since(begin).Round(time.Millisecond))
	p.settled(t)
}

// undecided says that Nomad has still to do what an evaluation asks for, and not only
// when a server that it had not heard of for a while stays away.
func undecided(e *nomad.Evaluation) bool {
	return e.Status == nomad.EvalStatusPending && e.WaitUntil.IsZero()
}

// settled waits until every instance that is to run is healthy, and Nomad has done
// what it was told.
func (p project) settled(t *testing.T) {
	t.Helper()
	healthy := func(a *nomad.AllocationListStub) bool {
		return a.DesiredStatus != nomad.AllocDesiredStatusRun || a.DeploymentStatus != nil && a.DeploymentStatus.Healthy != nil && *a.DeploymentStatus.Healthy
	}
	decided := func() bool {
		q := &nomad.QueryOptions{Namespace: p.name}
		evals, _, err := nomadClient(t).Jobs().Evaluations("web-live_app", q)
		if err != nil {
			return false
		}
		d, _, err := nomadClient(t).Jobs().LatestDeployment("web-live_app", q)
		return err == nil && d.Status == nomad.DeploymentStatusSuccessful && !slices.ContainsFunc(evals, undecided)
	}
	if !eventually(func() bool {
		return decided() && !slices.ContainsFunc(p.allocations(t), func(a *nomad.AllocationListStub) bool { return !healthy(a) })
	}) {
		t.Fatal("the instances do not become healthy")
	}
}
