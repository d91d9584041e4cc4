//go:build linux

package e2e

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"fngen.dev/fngen/e2e/cluster"
)

// TestRecovery kills every process of the cluster at once, tasks included, as a
// power cut would, and holds that `make up` brings the pushed project back. The
// tests that come after it run on a cluster that has been through this.
func TestRecovery(t *testing.T) {
	requireCluster(t)
	machine := oneMachine(t)
	before := status(t, "hello")
	client := router(t)
	answers := func() bool { return cluster.Probe(t.Context(), client, cluster.URL("hello")+"/") != "" }
	check(t, machine.KillEverything())
	if answers() {
		t.Fatal("hello answers without a cluster")
	}
	makeUp(t)
	if !eventually(answers) {
		t.Fatal("hello does not answer after make up")
	}
	if after := status(t, "hello"); after != before {
		t.Errorf("release before %s, after %s", before, after)
	}
}

// status is the live release of a project, as `fngen status` has it.
func status(t *testing.T, project string) string {
	t.Helper()
	out, err := exec.Command("fngen", "projects", "--json").Output()
	if err != nil {
		t.Fatalf("fngen projects: %v", err)
	}
	for line := range strings.SplitSeq(strings.ReplaceAll(string(out), "}", "}\n"), "\n") {
		if strings.Contains(line, fmt.Sprintf("%q", project)) {
			return strings.Join(strings.Fields(line), "")
		}
	}
	t.Fatalf("fngen projects does not list %s: %s", project, out)
	return ""
}
