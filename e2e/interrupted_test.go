//go:build linux

package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
	"fngen.dev/fngen/e2e/load"
	"fngen.dev/fngen/pkg/api"
)

// TestInterrupted kills the control plane once, in the middle of several pushes at
// once, each of its own project. The next one puts back what was live: nothing of
// the new release is left, no request fails meanwhile, the history says what
// happened, and the projects can be pushed to.
func TestInterrupted(t *testing.T) {
	interrupt(t,
		&interrupted{name: "command", fleet: e2etest.OnServers("xl", "us-west", 1), newFleet: e2etest.OnServers("xl", "us-west", 1) + "functions:\n  live_app: {release: echo begun; sleep 600}\n", marks: []string{"| begun"}},
		&interrupted{name: "code and size", fleet: e2etest.OnServers("s", "us-west", 1), newFleet: e2etest.OnServers("m", "eu-central", 1), code: gatedApp, marks: []string{"starting live_app"}},
		// Killed when the servers that it leaves are left already, in the last moments of the push.
		&interrupted{name: "servers", leaves: true, fleet: e2etest.OnServers("m", "eu-central", 1), newFleet: strings.Replace(e2etest.OnServers("s", "us-west", 1), "web", "near", 1), marks: []string{"route: ", "healthy on near"}},
	)
}

// TestInterruptedTogether kills the control plane in the middle of a rollout of
// several functions: some have been replaced, others are under way.
func TestInterruptedTogether(t *testing.T) {
	onlySoak(t)
	interrupt(t, &interrupted{
		name: "several", leaves: true, fleet: e2etest.OnServers("xl", "us-west", 1), was: load.Several(1, well(5)...),
		code: gated(load.Several(2, well(5)...), "f03", "f04"), marks: []string{"3 of 5 are up"},
	})
}

// interrupt pushes to projects of their own and kills the control plane when each
// push is as far as it is to be, the last one at that very moment.
func interrupt(t *testing.T, pushes ...*interrupted) {
	cluster.Require(t)
	var begin sync.WaitGroup
	for _, i := range pushes {
		i.project = newProject(t)
		i.was = cmp.Or(i.was, fmt.Sprintf(e2etest.SlowApp, "one", 0))
		i.Write(t, "app.py", i.was)
		i.Write(t, "fngen.yml", i.fleet)
		begin.Go(func() {
			if out, err := i.Command("push", i.Name, ".").CombinedOutput(); err != nil {
				t.Errorf("push of %s: %v\n%s", i.name, err, out)
			}
		})
	}
	begin.Wait()
	for _, i := range pushes {
		newGate(t, i.project).state.Store(shut)
		i.load = i.project.load(t)
		i.before = e2etest.IDs(i.Running(t))
		i.Write(t, "app.py", cmp.Or(i.code, fmt.Sprintf(e2etest.SlowApp, "two", 0)))
		i.Write(t, "fngen.yml", cmp.Or(i.newFleet, i.fleet))
	}
	// The last one has no step at which it stays: it is killed as it gets there.
	last := len(pushes) - 1
	var ended sync.WaitGroup
	for _, i := range pushes[:last] {
		there := make(chan struct{})
		ended.Go(func() { i.push(t, func() { close(there) }) })
		select {
		case <-there:
		case <-time.After(e2etest.Settle):
			t.Fatalf("the push of %q does not get there", i.name)
		}
	}
	fngend, err := e2etest.OneMachine(t).ControlPlane()
	check(t, err)
	pushes[last].push(t, func() { check(t, cluster.Kill(fngend)) })
	ended.Wait()
	for _, i := range pushes {
		t.Run(i.name, func(t *testing.T) {
			t.Parallel()
			i.undone(t)
		})
	}
}

// interrupted is a push that its control plane did not finish.
type interrupted struct {
	project
	name string
	// fleet is the fngen.yml of the release before, and was its code, if it is not of
	// one function; newFleet is pushed, and code, when one line of it is not enough.
	fleet, newFleet, was, code string
	// marks are in what the push says, one after the other, until it is far enough.
	marks []string
	// leaves says that instances from before have been stopped by then.
	leaves bool
	load   requests
	before []string
	// ended says that it was over before its control plane was killed, which may be for
	// one that leaves.
	ended bool
}

// push pushes, and says when it is far enough. The push loses its control plane.
func (i *interrupted) push(t *testing.T, there func()) {
	marks := i.marks
	talk, err := cluster.Talk(i.Command("push", i.Name, "."), func(line string) {
		if len(marks) == 0 || !strings.Contains(line, marks[0]) {
			return
		}
		if marks = marks[1:]; len(marks) == 0 {
			there()
		}
	})
	if i.ended = i.leaves && err == nil; i.ended {
		return
	}
	if err == nil || !strings.Contains(talk, "fngen status") {
		t.Errorf("push of %s: %v\n%s", i.name, err, talk)
	}
}

// undone holds that everything is as it was before the push.
func (i *interrupted) undone(t *testing.T) {
	if i.ended {
		t.Skip("the push had ended before its control plane was killed")
	}
	undone := func() bool {
		var releases []api.Release
		out, err := i.Command("releases", i.Name, "--json").Output()
		return err == nil && json.Unmarshal(out, &releases) == nil && len(releases) == 2 && releases[0].State == "failed" && releases[1].State == "live"
	}
	// The lock of the one that died runs out within 20 s.
	if !e2etest.Eventually(undone) {
		t.Fatalf("the interrupted release was not undone:\n%s", i.Run(t, "releases", i.Name))
	}
	functions := strings.Count(i.was, "@webapp")
	if out := i.Run(t, "status", i.Name); strings.Count(out, "\n") != functions || strings.Count(out, "\t1\n") != functions {
		t.Errorf("what runs is not release 1 alone:\n%s", out)
	}
	if now := e2etest.IDs(i.Running(t)); i.leaves == slices.Equal(i.before, now) {
		t.Errorf("%v run, before it was %v", now, i.before)
	}
	jobs, _, err := e2etest.NomadClient(t).Jobs().List(&nomad.QueryOptions{Namespace: i.Name})
	check(t, err)
	if len(jobs) != functions {
		t.Errorf("%d jobs are left, not %d", len(jobs), functions)
	}
	i.Write(t, "app.py", i.was)
	i.Write(t, "fngen.yml", i.fleet)
	i.Run(t, "plan", i.Name, ".", "--detailed-exitcode")
	i.Write(t, "app.py", i.was+"\n")
	i.Run(t, "push", i.Name, ".")
	i.load.allow(t, 0)
}

// gated is code of load.Several in which some functions wait at the gate.
func gated(code string, functions ...string) string {
	for _, f := range functions {
		code = strings.Replace(code, "def "+f+"():\n", "def "+f+"():\n"+atGate, 1)
	}
	return code
}
