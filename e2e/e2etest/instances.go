package e2etest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/e2e/cluster"
)

// Allocations are all that were ever made for the project, the oldest first.
func (p Project) Allocations(t *testing.T) []*nomad.AllocationListStub {
	t.Helper()
	allocs, err := cluster.Allocations(t.Context(), p.Name)
	check(t, err)
	return allocs
}

// Running are the allocations of the project that run and are to.
func (p Project) Running(t *testing.T) []*nomad.AllocationListStub {
	t.Helper()
	allocs, err := cluster.Running(t.Context(), p.Name)
	check(t, err)
	return allocs
}

// Answering lists the allocations that answer at the project's address, in a few
// requests.
func (p Project) Answering(t *testing.T) []string {
	t.Helper()
	return cluster.Answering(t.Context(), Router(t), p.URL())
}

// URL is where the project answers.
func (p Project) URL() string { return cluster.URL(p.Name) + "/" }

// Get asks the application for JSON, with more headers. It must answer.
func (p Project) Get(t *testing.T, path string, headers http.Header, out any) {
	t.Helper()
	check(t, p.Ask(t, path, headers, out))
}

// Ask asks the application for JSON, with more headers.
func (p Project) Ask(t *testing.T, path string, headers http.Header, out any) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSuffix(p.URL(), "/")+path, nil)
	check(t, err)
	for name, values := range headers {
		req.Header[name] = values
	}
	resp, err := Router(t).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(out)
}

// SlowApp starts so slowly that there is time to kill what waits for it.
const SlowApp = `import time

from fastapi import FastAPI

from fngen.powers import webapp

app = FastAPI()


@app.get("/")
def index():
    return {"say": "version %s"}


@webapp(framework="fastapi")
def live_app():
    time.sleep(%d)
    return app
`

// OnServers is a fngen.yml with one server definition.
func OnServers(size, region string, count int) string {
	return fmt.Sprintf("servers:\n  - name: web\n    size: %s\n    region: %s\n    count: %d\n", size, region, count)
}

// IDs are the allocations by their ids.
func IDs(allocs []*nomad.AllocationListStub) []string {
	var out []string
	for _, a := range allocs {
		out = append(out, a.ID)
	}
	return out
}

// Settled waits until every instance that is to run is healthy, and Nomad has done
// what it was told.
func (p Project) Settled(t *testing.T) {
	t.Helper()
	healthy := func(a *nomad.AllocationListStub) bool {
		return a.DesiredStatus != nomad.AllocDesiredStatusRun || a.DeploymentStatus != nil && a.DeploymentStatus.Healthy != nil && *a.DeploymentStatus.Healthy
	}
	decided := func() bool {
		q := &nomad.QueryOptions{Namespace: p.Name}
		evals, _, err := NomadClient(t).Jobs().Evaluations("web-live_app", q)
		if err != nil {
			return false
		}
		d, _, err := NomadClient(t).Jobs().LatestDeployment("web-live_app", q)
		return err == nil && d.Status == nomad.DeploymentStatusSuccessful && !slices.ContainsFunc(evals, undecided)
	}
	if !Eventually(func() bool {
		return decided() && !slices.ContainsFunc(p.Allocations(t), func(a *nomad.AllocationListStub) bool { return !healthy(a) })
	}) {
		t.Fatal("the instances do not become healthy")
	}
}

// undecided says that Nomad has still to do what an evaluation asks for, and not only
// when a server that it had not heard of for a while stays away.
func undecided(e *nomad.Evaluation) bool {
	return e.Status == nomad.EvalStatusPending && e.WaitUntil.IsZero()
}
