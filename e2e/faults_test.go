//go:build linux

package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"
)

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

// underWay is how many requests of the load an instance may take with it when it
// dies: those that it has begun, and those that reach it while the kernel takes
// it down. Any more would be requests sent to one that is known to be dead.
const underWay = 12

// TestInstanceDies kills one of two instances: its Python, then its agent. It is
// started again in place.
func TestInstanceDies(t *testing.T) {
	requireCluster(t)
	p := newProject(t)
	p.write(t, "app.py", fmt.Sprintf(slowApp, "one", 0))
	p.write(t, "fngen.yml", onServers("s", "us-west", 2))
	p.run(t, "push", p.name, ".")
	before := p.running(t)
	for i, command := range []string{"python", "fngen-agent"} {
		t.Run(command, func(t *testing.T) {
			load := p.load(t)
			begin := time.Now()
			crash(t, taskProcess(t, before[i].ID, command))
			restarted := func() bool {
				for _, a := range p.running(t) {
					if a.ID == before[i].ID && a.TaskStates["app"].Restarts == 1 {
						return slices.Contains(p.answering(t), a.ID)
					}
				}
				return false
			}
			if !eventually(restarted) {
				t.Fatal("the instance was not started again in place")
			}
			t.Logf("it answers again after %s", time.Since(begin).Round(time.Millisecond))
			load.allow(t, underWay)
		})
	}
	if after := p.running(t); len(after) != 2 || ids(after)[0] != ids(before)[0] || ids(after)[1] != ids(before)[1] {
		t.Errorf("before %v, after %v", ids(before), ids(after))
	}
}

func ids(allocs []*nomad.AllocationListStub) []string {
	var out []string
	for _, a := range allocs {
		out = append(out, a.ID)
	}
	return out
}
