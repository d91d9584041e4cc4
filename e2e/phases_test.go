//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
	"fngen.dev/fngen/pkg/api"
)

// phases of a push, by what it says when it gets there.
var phases = []string{"layer: ", "release: ", "starting live_app", "0 of 1 healthy", "1 of 1 healthy", "route: "}

// mortal are the servers that a push needs.
var mortal = []string{"nomad", "consul", "vault", "fngend"}

// few are the phases and servers of `make test`; `make soak` has all.
var few = []struct{ phase, server string }{{"0 of 1 healthy", "nomad"}, {"release: ", "consul"}, {"starting live_app", "vault"}}

// TestPhases kills what a push needs in a phase of it, and starts it again. However
// the push ends: soon after, what the store says is what runs, and until then the
// old version or the new one answers every request.
func TestPhases(t *testing.T) {
	cluster.Require(t)
	e2etest.UpAgain(t)
	p := newProject(t)
	p.Write(t, "fngen.yml", e2etest.OnServers("xl", "us-west", 1)+"functions:\n  live_app: {release: echo begun; sleep 1}\n")
	p.version(t, "0")
	p.Run(t, "push", p.Name, ".")
	if !soaks {
		for _, c := range few {
			t.Run(strings.TrimSpace(c.server+" in "+c.phase), func(t *testing.T) { dieIn(t, p, c.phase, c.server) })
		}
		return
	}
	for _, phase := range phases {
		for _, server := range mortal {
			t.Run(strings.TrimSpace(server+" in "+phase), func(t *testing.T) { dieIn(t, p, phase, server) })
		}
	}
}

// version makes the project's code another.
func (p project) version(t *testing.T, name string) {
	p.Write(t, "app.py", fmt.Sprintf(e2etest.SlowApp, name, 2))
}

func dieIn(t *testing.T, p project, phase, server string) {
	requests := p.load(t)
	p.version(t, t.Name())
	if phase == "layer: " {
		p.Write(t, "requirements.txt", "fastapi\n# "+t.Name()+"\n")
	}
	killed := false
	heard := func(line string) {
		if killed || !strings.Contains(line, phase) {
			return
		}
		killed = true
		if server == "fngend" {
			pid, err := e2etest.OneMachine(t).ControlPlane()
			check(t, err)
			check(t, cluster.Kill(pid)) // Nomad starts it again
			return
		}
		check(t, e2etest.OneMachine(t).KillServer(server))
		e2etest.MakeUp(t)
	}
	var talk string
	var err error
	// A lock that could not be released, since Consul was away, runs out within 20 s.
	e2etest.Eventually(func() bool {
		talk, err = cluster.Talk(p.Command("push", p.Name, "."), heard)
		return !strings.Contains(talk, "is busy with")
	})
	if !killed {
		t.Fatalf("the push does not get to %q:\n%s", phase, talk)
	}
	t.Logf("the push ended: %v", err)
	begin := time.Now()
	var wrong string
	if !e2etest.Eventually(func() bool { wrong = p.disagrees(); return wrong == "" }) {
		t.Errorf("after %s %s\nthe push said\n%s", e2etest.Settle, wrong, talk)
	}
	t.Logf("store and Nomad agree %s after the end of the push", time.Since(begin).Round(time.Millisecond))
	requests.allow(t, 0)
}

// disagrees says in what the store is not what runs; empty when it is.
func (p project) disagrees() string {
	var status api.Status
	var releases []api.Release
	for args, into := range map[string]any{"status": &status, "releases": &releases} {
		out, err := p.Command(args, p.Name, "--json").Output()
		if err != nil {
			return fmt.Sprintf("fngen %s: %v", args, err)
		}
		if err := json.Unmarshal(out, into); err != nil {
			return err.Error()
		}
	}
	for _, r := range releases {
		if r.State == "pending" || r.State == "interrupted" {
			return fmt.Sprintf("release %d is %s: %s", r.Release, r.State, r.Reason)
		}
	}
	if status.State != "live" || len(status.Functions) != 1 || len(status.Functions[0].Instances) != 1 {
		return fmt.Sprintf("the status is %+v", status)
	}
	if i := status.Functions[0].Instances[0]; i.Release != status.Release || i.State != "running" || !i.Healthy {
		return fmt.Sprintf("release %d is live and it runs %+v", status.Release, i)
	}
	return ""
}

// TestRecovery kills every process of the cluster at once, tasks included, as a
// power cut would, and holds that `make up` brings the pushed project back. The
// tests that come after it run on a cluster that has been through this.
func TestRecovery(t *testing.T) {
	cluster.Require(t)
	machine := e2etest.OneMachine(t)
	before := status(t, "hello")
	client := e2etest.Router(t)
	answers := func() bool { return cluster.Probe(t.Context(), client, cluster.URL("hello")+"/") != "" }
	check(t, machine.KillEverything())
	if answers() {
		t.Fatal("hello answers without a cluster")
	}
	e2etest.MakeUp(t)
	if !e2etest.Eventually(answers) {
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
