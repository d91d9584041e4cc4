//go:build linux

package e2e

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
)

// TestRelocations drains the server of a function with one instance where it
// cannot simply move. No request fails, and the project is what it was afterwards.
func TestRelocations(t *testing.T) {
	cluster.Require(t)
	e2etest.UpAgain(t)
	p := newProject(t)
	g := newGate(t, p)
	p.Write(t, "app.py", gatedApp)
	p.Write(t, "fngen.yml", e2etest.OnServers("s", "us-west", 1))
	p.Run(t, "push", p.Name, ".")
	t.Run("no room", func(t *testing.T) { noRoomAtFirst(t, p) })
	t.Run("not coming up", func(t *testing.T) { notComingUp(t, p, g) })
	t.Run("interrupted", func(t *testing.T) { onlySoak(t); relocationInterrupted(t, p, g) })
	t.Run("push meanwhile", func(t *testing.T) { pushMeanwhile(t, p, g) })
}

// noRoomAtFirst drains the server while the only other one of its kind takes
// nothing. The instance stays, which the log says, and leaves when there is room.
func noRoomAtFirst(t *testing.T, p project) {
	requests := p.load(t)
	was := p.Running(t)[0]
	other := p.sibling(t, was.NodeID)
	t.Cleanup(func() { admit(t, other) })
	if _, err := e2etest.NomadClient(t).Nodes().ToggleEligibility(other, false, nil); err != nil {
		t.Fatal(err)
	}
	drain(t, was.NodeID)
	said := regexp.MustCompile(p.Name + `.*there is no room elsewhere`)
	if !e2etest.Eventually(func() bool { return said.MatchString(fngendLog(t)) }) {
		t.Error("the log does not say that the instance stays")
	}
	if now := p.Allocations(t); !slices.Equal(e2etest.IDs(now), []string{was.ID}) {
		t.Errorf("it runs as %v", e2etest.IDs(now))
	}
	admit(t, other)
	p.leaves(t, was.NodeID)
	requests.allow(t, 0)
	p.unchanged(t)
}

// notComingUp drains the server while new instances end at once. The old one
// stays, and serves.
func notComingUp(t *testing.T, p project, g *gate) {
	requests := p.load(t)
	was := p.Running(t)[0]
	begun := len(p.Allocations(t))
	g.state.Store(broken)
	drain(t, was.NodeID)
	tried := func() bool {
		all := p.Allocations(t)
		return len(all) > begun && ended(all[begun])
	}
	if !e2etest.Eventually(tried) {
		t.Error("no other instance was started and given up")
	}
	p.unchanged(t)
	g.state.Store(open)
	if now := p.Running(t); !slices.Equal(e2etest.IDs(now), []string{was.ID}) {
		t.Errorf("it runs as %v, before it was %s", e2etest.IDs(now), was.ID)
	}
	requests.allow(t, 0)
}

// relocationInterrupted kills the control plane while the new instance starts. The
// next one undoes that, and moves the function then.
func relocationInterrupted(t *testing.T, p project, g *gate) {
	requests := p.load(t)
	was := p.Running(t)[0]
	begun := len(p.Allocations(t))
	g.drainShut(t, was.NodeID)
	fngend, err := e2etest.OneMachine(t).ControlPlane()
	check(t, err)
	check(t, cluster.Kill(fngend))
	// The lock of the one that died runs out within 20 s.
	if !e2etest.Eventually(func() bool { return ended(p.Allocations(t)[begun]) }) {
		t.Error("what was begun is not undone")
	}
	g.state.Store(open)
	p.leaves(t, was.NodeID)
	requests.allow(t, 0)
	p.unchanged(t)
}

// pushMeanwhile pushes while the new instance starts. The push waits, and works.
func pushMeanwhile(t *testing.T, p project, g *gate) {
	requests := p.load(t)
	was := p.Running(t)[0]
	g.drainShut(t, was.NodeID)
	p.Write(t, "more.py", "")
	talk, err := cluster.Talk(p.Command("push", p.Name, "."), func(line string) {
		if strings.Contains(line, "another change goes first: moving functions off server") {
			admit(t, was.NodeID) // for the room that the push needs
			g.state.Store(open)
		}
	})
	if err != nil || g.state.Load() != open {
		t.Errorf("push: %v\n%s", err, talk)
	}
	g.state.Store(open)
	requests.allow(t, 0)
}

func ended(a *nomad.AllocationListStub) bool {
	return a.DesiredStatus != nomad.AllocDesiredStatusRun && a.ClientStatus != nomad.AllocClientStatusRunning && a.ClientStatus != nomad.AllocClientStatusPending
}

// sibling is the other server of a server's size and region.
func (p project) sibling(t *testing.T, node string) string {
	t.Helper()
	nodes, _, err := e2etest.NomadClient(t).Nodes().List(nil)
	if err != nil {
		t.Fatal(err)
	}
	of := slices.IndexFunc(nodes, func(n *nomad.NodeListStub) bool { return n.ID == node })
	for _, n := range nodes {
		if n.ID != node && n.NodeClass == nodes[of].NodeClass && n.Datacenter == nodes[of].Datacenter {
			return n.ID
		}
	}
	t.Fatal("the server has no sibling")
	return ""
}

// unchanged waits until a plan has nothing to do, and holds that nothing was pushed.
func (p project) unchanged(t *testing.T) {
	t.Helper()
	if !e2etest.Eventually(func() bool { return p.Command("plan", p.Name, ".", "--detailed-exitcode").Run() == nil }) {
		out, _ := p.Command("plan", p.Name, ".").CombinedOutput()
		t.Errorf("a plan afterwards:\n%s", out)
	}
	if history := p.Run(t, "releases", p.Name); !strings.HasPrefix(history, "1\tlive\t") {
		t.Errorf("the history is\n%s", history)
	}
}

// fngendLog is what the control plane that runs has logged.
func fngendLog(t *testing.T) string {
	t.Helper()
	client, q := e2etest.NomadClient(t), &nomad.QueryOptions{Namespace: "platform"}
	allocs, _, err := client.Jobs().Allocations("fngend", false, q)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, a := range allocs {
		if a.ClientStatus != nomad.AllocClientStatusRunning {
			continue
		}
		// Nomad's client closes the frames at the end, and not after an error.
		frames, errs := client.AllocFS().Logs(&nomad.Allocation{ID: a.ID, NodeID: a.NodeID}, false, "fngend", "stderr", "start", 0, nil, q)
		for more := true; more; {
			select {
			case frame, ok := <-frames:
				if more = ok; ok {
					text.Write(frame.Data)
				}
			case err := <-errs:
				t.Log(err)
				more = false
			}
		}
	}
	return text.String()
}

// drain tells a server to give up what it runs, and lets it take jobs again at
// the end of the test.
func drain(t *testing.T, node string) {
	t.Helper()
	t.Cleanup(func() { admit(t, node) })
	if _, err := e2etest.NomadClient(t).Nodes().UpdateDrain(node, &nomad.DrainSpec{Deadline: 10 * time.Minute}, false, nil); err != nil {
		t.Fatal(err)
	}
}

// admit ends a drain: the server takes jobs again.
func admit(t *testing.T, node string) {
	t.Helper()
	if _, err := e2etest.NomadClient(t).Nodes().UpdateDrain(node, nil, true, nil); err != nil {
		t.Error(err)
	}
}

// leaves waits until nothing of the project runs on a server, and what is to run
// elsewhere does.
func (p project) leaves(t *testing.T, node string) {
	t.Helper()
	begin := time.Now()
	left := func() bool {
		return !slices.ContainsFunc(p.Allocations(t), func(a *nomad.AllocationListStub) bool {
			return a.NodeID == node && a.ClientStatus == nomad.AllocClientStatusRunning
		})
	}
	if !e2etest.Eventually(left) {
		t.Fatal("the server is not emptied")
	}
	t.Logf("the server was empty after %s", time.Since(begin).Round(time.Millisecond))
	p.Settled(t)
}
