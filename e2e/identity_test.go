package e2e

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
	scheduling "fngen.dev/fngen/nomad"
)

var treeOf = regexp.MustCompile(`sha256:([0-9a-f]{64})`)

// TestIdentityIsOfOneProject destroys a project and creates another of the same name.
// What Nomad signed for the first opens nothing of the second; what it signed for the
// second does.
func TestIdentityIsOfOneProject(t *testing.T) {
	requireCluster(t)
	beside(t, "spare")
	p := newProject(t)
	first := p.identityAfterPush(t, "one")
	if got := first.get(t, first.tree); got != http.StatusOK {
		t.Fatalf("its own tree: %d", got)
	}
	scheduler, err := scheduling.New(os.Getenv("NOMAD_ADDR"), os.Getenv("NOMAD_TOKEN"))
	check(t, err)
	alive := func(id identity, job string) bool {
		t.Helper()
		is, err := scheduler.Alive(t.Context(), p.name, job, id.allocation)
		check(t, err)
		return is
	}
	if !alive(first, "web-live_app") || alive(first, "web-other") {
		t.Error("whether the allocation runs is not what Nomad says")
	}
	p.run(t, "destroy", p.name, "--yes")
	p.run(t, "create", p.name)
	second := p.identityAfterPush(t, "two")
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
	if err := stranger.Stop(t.Context(), p.name, "web-live_app"); err == nil {
		t.Error("a refused token passes for a job that does not exist")
	}
}

// TestIdentityIsRenewed gives the identity of an instance a life of seconds in the place
// of an hour. The control plane refuses what has run out and takes what Nomad has
// written in its place, which is as closed to the function as the first; and the
// instance starts again by it.
func TestIdentityIsRenewed(t *testing.T) {
	requireCluster(t)
	beside(t, "east s") // one process, which can be killed
	p := newProject(t)
	p.writeIntruder(t)
	p.write(t, "app.py", fmt.Sprintf(slowApp, "one", 0)+attackRoute)
	p.write(t, "fngen.yml", onServers("s", "us-east", 1))
	p.run(t, "push", p.name, ".")
	jobs := nomadClient(t).Jobs()
	job, _, err := jobs.Info("web-live_app", &nomad.QueryOptions{Namespace: p.name})
	check(t, err)
	job.TaskGroups[0].Tasks[0].Identities[0].TTL = 20 * time.Second
	_, _, err = jobs.Register(job, nil)
	check(t, err)
	p.settled(t)
	first := p.identity(t)
	if got := first.get(t, first.tree); got != http.StatusOK {
		t.Fatalf("the first identity: %d", got)
	}
	// It may be 30 s older, for clocks that differ.
	if !eventually(func() bool { return first.get(t, first.tree) == http.StatusUnauthorized }) {
		t.Error("an identity that has run out opens the tree")
	}
	renewed := func() bool {
		now := p.identity(t)
		return now.token != first.token && now.get(t, now.tree) == http.StatusOK
	}
	if !eventually(renewed) {
		t.Error("what Nomad has renewed opens nothing")
	}
	refused(t, p.attack(t))
	check(t, oneMachine(t).KillInstance(first.allocation, "python"))
	again := func() bool {
		now := p.running(t)
		return len(now) == 1 && now[0].ID == first.allocation && now[0].TaskStates["app"].Restarts > 0 && len(p.answering(t)) == 1
	}
	if !eventually(again) {
		t.Error("it does not come back with a renewed identity")
	}
}

// identity is what Nomad signed for an allocation, with the tree that it runs.
type identity struct{ allocation, token, tree string }

// identityAfterPush pushes an app and returns the identity of its instance.
func (p project) identityAfterPush(t *testing.T, version string) identity {
	t.Helper()
	p.write(t, "app.py", fmt.Sprintf(slowApp, version, 0))
	p.write(t, "fngen.yml", onServers("s", "us-west", 1))
	p.run(t, "push", p.name, ".")
	return p.identity(t)
}

// identity reads that of the only instance of a project from the node's disk, where
// only the operator can.
func (p project) identity(t *testing.T) identity {
	t.Helper()
	running := p.running(t)
	if len(running) != 1 {
		t.Fatalf("%d instances", len(running))
	}
	id := identity{allocation: running[0].ID}
	files, err := filepath.Glob(filepath.Join("..", ".dev", "data", "nodes", "*", "nomad", "alloc", id.allocation, "*", "secrets", "nomad_fngen.jwt"))
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
