//go:build linux

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/e2e/load"
	"fngen.dev/fngen/nomad/dev/layout"
	"fngen.dev/fngen/nomad/dev/process"
)

// crash kills processes as a crash would.
func crash(t *testing.T, pids ...int) {
	t.Helper()
	if len(pids) == 0 {
		t.Fatal("there is nothing to kill")
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
			t.Fatalf("kill %d: %v", pid, err)
		}
	}
}

// server is the process of one of the cluster's servers, such as "traefik".
func server(t *testing.T, name string) int {
	t.Helper()
	r, alive := process.Load(filepath.Join(devDir(t), "run"), name)
	if !alive {
		t.Fatalf("%s does not run", name)
	}
	return r.PID
}

// machine is all that runs on a simulated server: its agents, and its tasks.
func machine(t *testing.T, node string) []int {
	t.Helper()
	return family(t, filepath.Join(devDir(t), "data", "nodes", node)+"/")
}

// taskProcess is the one process of an allocation whose command begins so.
func taskProcess(t *testing.T, alloc, command string) int {
	t.Helper()
	var found []int
	for _, pid := range family(t, "/alloc/"+alloc+"/") {
		cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		program, _, _ := bytes.Cut(cmdline, []byte{0})
		if err == nil && filepath.Base(string(program)) == command {
			found = append(found, pid)
		}
	}
	if len(found) != 1 {
		t.Fatalf("allocation %s has %d processes of %s, not one", alloc, len(found), command)
	}
	return found[0]
}

func devDir(t *testing.T) string {
	t.Helper()
	dev, err := filepath.Abs("../.dev")
	if err != nil {
		t.Fatal(err)
	}
	return dev
}

// makeUp starts again what has died, and waits until it is ready.
func makeUp(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("make", "-C", "..", "up").CombinedOutput(); err != nil {
		t.Fatalf("make up: %v\n%s", err, out)
	}
}

// upAgain has everything of the cluster run after a test that failed half-way.
func upAgain(t *testing.T) {
	t.Cleanup(func() {
		if t.Failed() {
			makeUp(t)
		}
	})
}

// dialNomad is one client for all: each keeps connections, of which Nomad allows
// an address a hundred.
var dialNomad = sync.OnceValues(func() (*nomad.Client, error) { return nomad.NewClient(nomad.DefaultConfig()) })

func nomadClient(t *testing.T) *nomad.Client {
	t.Helper()
	client, err := dialNomad()
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// allocations are all that were ever made for the project, the oldest first.
func (p project) allocations(t *testing.T) []*nomad.AllocationListStub {
	t.Helper()
	allocs, _, err := nomadClient(t).Allocations().List(&nomad.QueryOptions{Namespace: p.name})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(allocs, func(a, b *nomad.AllocationListStub) int { return int(a.CreateIndex) - int(b.CreateIndex) })
	return allocs
}

// running are the allocations of the project that run and are to.
func (p project) running(t *testing.T) []*nomad.AllocationListStub {
	t.Helper()
	return slices.DeleteFunc(p.allocations(t), func(a *nomad.AllocationListStub) bool {
		return a.ClientStatus != nomad.AllocClientStatusRunning || a.DesiredStatus != nomad.AllocDesiredStatusRun
	})
}

// answering lists the allocations that answer at the project's address, in a few
// requests.
func (p project) answering(t *testing.T) []string {
	t.Helper()
	client, err := ingress()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for range 8 {
		if id := probe(client, p.url()); id != "" && !slices.Contains(found, id) {
			found = append(found, id)
		}
	}
	slices.Sort(found)
	return found
}

// probe returns the allocation that answers at a URL, empty for none.
func probe(client *http.Client, url string) string {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return ""
	}
	req.Header.Set("Fngen-Probe", "1")
	req.Close = true
	resp, err := client.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	return resp.Header.Get("Fngen-Allocation")
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

func (p project) url() string { return "https://" + p.name + "." + os.Getenv("FNGEN_DOMAIN") + "/" }

// requests are the load of one story.
type requests struct{ load *load.Load }

// load sends requests to the project until it is stopped, at the latest at the
// end of the test.
func (p project) load(t *testing.T) requests {
	t.Helper()
	target, err := loaded(p.name)
	if err != nil {
		t.Fatal(err)
	}
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
	client, err := ingress()
	if err != nil {
		t.Fatal(err)
	}
	for i := range count {
		if probe(client, p.url()) == "" {
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
	resp, err := http.Get(layout.HTTP(layout.TraefikAPIPort) + "/api/http/services")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var services []struct {
		Name         string
		ServerStatus map[string]string
	}
	if err := json.NewDecoder(resp.Body).Decode(&services); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range services {
		if strings.HasPrefix(s.Name, p.name+"--") {
			out = slices.AppendSeq(out, maps.Keys(s.ServerStatus))
		}
	}
	slices.Sort(out)
	return out
}
