//go:build linux

package isolation

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
	scheduling "fngen.dev/fngen/nomad"
)

var treeOf = regexp.MustCompile(`sha256:([0-9a-f]{64})`)

// TestIdentityIsOfOneProject destroys a project and creates another of the same name.
// What Nomad signed for the first opens nothing of the second; what it signed for the
// second does.
func TestIdentityIsOfOneProject(t *testing.T) {
	cluster.Require(t)
	e2etest.Beside(t, "spare")
	p := e2etest.New(t)
	first := identityAfterPush(t, p, "one")
	if got := first.get(t, first.tree); got != http.StatusOK {
		t.Fatalf("its own tree: %d", got)
	}
	scheduler, err := scheduling.New(os.Getenv("NOMAD_ADDR"), os.Getenv("NOMAD_TOKEN"))
	check(t, err)
	alive := func(id identity, job string) bool {
		t.Helper()
		is, err := scheduler.Alive(t.Context(), p.Name, job, id.allocation)
		check(t, err)
		return is
	}
	if !alive(first, "web-live_app") || alive(first, "web-other") {
		t.Error("whether the allocation runs is not what Nomad says")
	}
	p.Run(t, "destroy", p.Name, "--yes")
	p.Run(t, "create", p.Name)
	second := identityAfterPush(t, p, "two")
	if alive(first, "web-live_app") {
		t.Error("the allocation of the project that is gone is believed to run")
	}
	if got := second.get(t, second.tree); got != http.StatusOK {
		t.Errorf("the new project's own identity: %d", got)
	}
	if got := first.get(t, second.tree); got != http.StatusUnauthorized {
		t.Errorf("the identity of the project that is gone opens the new one: %d", got)
	}
	// Nomad's words for a token that it does not know are no "not found" of a job.
	stranger, err := scheduling.New(os.Getenv("NOMAD_ADDR"), "4b8c9e9a-0000-4000-8000-000000000000")
	check(t, err)
	if err := stranger.Stop(t.Context(), p.Name, "web-live_app"); err == nil {
		t.Error("a refused token passes for a job that does not exist")
	}
}

// TestIdentityIsRenewed gives the identity of an instance a life of seconds in the place
// of an hour. The control plane refuses what has run out and takes what Nomad has
// written in its place, which is as closed to the function as the first; and the
// instance starts again by it.
func TestIdentityIsRenewed(t *testing.T) {
	cluster.Require(t)
	e2etest.Beside(t, "east s") // one process, which can be killed
	p := e2etest.New(t)
	p.WriteIntruder(t)
	p.Write(t, "app.py", fmt.Sprintf(e2etest.SlowApp, "one", 0)+e2etest.AttackRoute)
	p.Write(t, "fngen.yml", e2etest.OnServers("s", "us-east", 1))
	p.Run(t, "push", p.Name, ".")
	jobs := e2etest.NomadClient(t).Jobs()
	job, _, err := jobs.Info("web-live_app", &nomad.QueryOptions{Namespace: p.Name})
	check(t, err)
	job.TaskGroups[0].Tasks[0].Identities[0].TTL = 20 * time.Second
	_, _, err = jobs.Register(job, nil)
	check(t, err)
	p.Settled(t)
	first := identityOf(t, p)
	if got := first.get(t, first.tree); got != http.StatusOK {
		t.Fatalf("the first identity: %d", got)
	}
	// It may be 30 s older, for clocks that differ.
	if !e2etest.Eventually(func() bool { return first.get(t, first.tree) == http.StatusUnauthorized }) {
		t.Error("an identity that has run out opens the tree")
	}
	renewed := func() bool {
		now := identityOf(t, p)
		return now.token != first.token && now.get(t, now.tree) == http.StatusOK
	}
	if !e2etest.Eventually(renewed) {
		t.Error("what Nomad has renewed opens nothing")
	}
	e2etest.Refused(t, p.Attack(t))
	check(t, e2etest.OneMachine(t).KillInstance(first.allocation, "python"))
	again := func() bool {
		now := p.Running(t)
		return len(now) == 1 && now[0].ID == first.allocation && now[0].TaskStates["app"].Restarts > 0 && len(p.Answering(t)) == 1
	}
	if !e2etest.Eventually(again) {
		t.Error("it does not come back with a renewed identity")
	}
}

// identity is what Nomad signed for an allocation, with the tree that it runs.
type identity struct{ allocation, token, tree string }

// identityAfterPush pushes an app and returns the identity of its instance.
func identityAfterPush(t *testing.T, p e2etest.Project, version string) identity {
	t.Helper()
	p.Write(t, "app.py", fmt.Sprintf(e2etest.SlowApp, version, 0))
	p.Write(t, "fngen.yml", e2etest.OnServers("s", "us-west", 1))
	p.Run(t, "push", p.Name, ".")
	return identityOf(t, p)
}

// identityOf reads that of the only instance of a project from the node's disk, where
// only the operator can.
func identityOf(t *testing.T, p e2etest.Project) identity {
	t.Helper()
	running := p.Running(t)
	if len(running) != 1 {
		t.Fatalf("%d instances", len(running))
	}
	id := identity{allocation: running[0].ID}
	files, err := filepath.Glob(e2etest.InCheckout(t, ".dev", "data", "nodes", "*", "nomad", "alloc", id.allocation, "*", "secrets", "nomad_fngen.jwt"))
	check(t, err)
	if len(files) != 1 {
		t.Fatalf("the identity of %s is in %q", id.allocation, files)
	}
	token, err := os.ReadFile(files[0])
	check(t, err)
	id.token = string(token)
	client, err := cluster.Nomad()
	check(t, err)
	a, _, err := client.Allocations().Info(id.allocation, nil)
	check(t, err)
	id.tree = treeOf.FindStringSubmatch(fmt.Sprint(a.Job.TaskGroups[0].Tasks[0].Config))[1]
	return id
}

// get asks for a tree as an agent does.
func (id identity) get(t *testing.T, tree string) int {
	t.Helper()
	client, err := cluster.Router()
	check(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, cluster.URL("api")+"/v1/agent/trees/"+tree, nil)
	check(t, err)
	req.Header.Set("Authorization", "Bearer "+id.token)
	resp, err := client.Do(req)
	check(t, err)
	defer resp.Body.Close()
	return resp.StatusCode
}
