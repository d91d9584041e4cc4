package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/nomad"
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
	scheduler, err := nomad.New(os.Getenv("NOMAD_ADDR"), os.Getenv("NOMAD_TOKEN"))
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
	stranger, err := nomad.New(os.Getenv("NOMAD_ADDR"), "4b8c9e9a-0000-4000-8000-000000000000")
	check(t, err)
	if err := stranger.Stop(t.Context(), p.name, "web-live_app"); err == nil {
		t.Error("a refused token passes for a job that does not exist")
	}
}

// identity is what Nomad signed for an allocation, with the tree that it runs.
type identity struct{ allocation, token, tree string }

// identityAfterPush pushes an app and reads the identity of its instance from the
// node's disk, where only the operator can.
func (p project) identityAfterPush(t *testing.T, version string) identity {
	t.Helper()
	p.write(t, "app.py", fmt.Sprintf(slowApp, version, 0))
	p.write(t, "fngen.yml", onServers("s", "us-west", 1))
	p.run(t, "push", p.name, ".")
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
