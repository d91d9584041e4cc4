//go:build linux

package e2e

import (
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
)

// underWay is how many requests of the load an instance may take with it when it
// dies: those that it has begun, and those that reach it while the kernel takes
// it down. Any more would be requests sent to one that is known to be dead.
const underWay = 12

// TestFaults lets die, under load, what a function runs on: while it has two
// instances on two servers, while it has one, and where there is one such server.
func TestFaults(t *testing.T) {
	cluster.Require(t)
	e2etest.UpAgain(t)
	p := newProject(t)
	p.Write(t, "app.py", fmt.Sprintf(e2etest.SlowApp, "one", 0))
	p.Write(t, "fngen.yml", e2etest.OnServers("s", "us-west", 2))
	p.Run(t, "push", p.Name, ".")
	t.Run("python", func(t *testing.T) { instanceDies(t, p, p.Running(t)[0], "python") })
	t.Run("agent", func(t *testing.T) { instanceDies(t, p, p.Running(t)[1], "fngen-agent") })
	t.Run("server", func(t *testing.T) { serverOfTwoDies(t, p) })
	t.Run("drain", func(t *testing.T) { drainOfTwo(t, p) })

	p.Write(t, "fngen.yml", e2etest.OnServers("s", "us-west", 1))
	p.Run(t, "push", p.Name, ".")
	t.Run("python of the only instance", func(t *testing.T) { onlyInstanceDies(t, p) })
	t.Run("drain of the only instance", func(t *testing.T) { drainOfOne(t, p) })
	t.Run("server of the only instance", func(t *testing.T) { serverOfOneDies(t, p) })

	p.Write(t, "fngen.yml", e2etest.OnServers("xl", "us-west", 1))
	p.WriteIntruder(t)
	p.Write(t, "app.py", fmt.Sprintf(e2etest.SlowApp, "one", 0)+e2etest.AttackRoute)
	p.Run(t, "push", p.Name, ".")
	t.Run("server of a release command", func(t *testing.T) { onlySoak(t); commandServerDies(t, p) })
	t.Run("nomad client", func(t *testing.T) { nomadClientDies(t, p) })
	t.Run("consul", func(t *testing.T) { onlySoak(t); consulDies(t, p) })
	t.Run("traefik", func(t *testing.T) { onlySoak(t); traefikDies(t, p) })
	p.onlyOn(t, "s", "us-west", "xl", "us-west")
}

// instanceDies kills the Python or the agent of one of two instances. It is
// started again in place, and only requests that it had begun fail.
func instanceDies(t *testing.T, p project, a *nomad.AllocationListStub, command string) {
	before := p.Running(t)
	requests := p.load(t)
	begin := time.Now()
	check(t, e2etest.OneMachine(t).KillInstance(a.ID, command))
	again := func() bool {
		i := slices.IndexFunc(p.Running(t), func(r *nomad.AllocationListStub) bool { return r.ID == a.ID && r.TaskStates["app"].Restarts > 0 })
		return i >= 0 && slices.Contains(p.Answering(t), a.ID)
	}
	if !e2etest.Eventually(again) {
		t.Error("the instance was not started again in place")
	}
	t.Logf("it answers again after %s", time.Since(begin).Round(time.Millisecond))
	requests.allow(t, underWay)
	if after := p.Running(t); !slices.Equal(e2etest.IDs(before), e2etest.IDs(after)) {
		t.Errorf("before %v, after %v", e2etest.IDs(before), e2etest.IDs(after))
	}
}

// onlyInstanceDies kills the Python of a function that has no other instance.
// Nobody answers until it is started again in place.
func onlyInstanceDies(t *testing.T, p project) {
	was := p.Running(t)[0].ID
	requests := p.load(t)
	begin := time.Now()
	check(t, e2etest.OneMachine(t).KillInstance(was, "python"))
	again := func() bool {
		now := p.Running(t)
		return len(now) == 1 && now[0].ID == was && now[0].TaskStates["app"].Restarts > 0 && slices.Contains(p.Answering(t), was)
	}
	if !e2etest.Eventually(again) {
		t.Error("the instance was not started again in place")
	}
	t.Logf("it answers again after %s", time.Since(begin).Round(time.Millisecond))
	requests.stop(t)
}

// serverOfTwoDies kills all that runs on a server at once, as when its power goes.
// The instance on the other one goes on: only requests that were under way fail.
func serverOfTwoDies(t *testing.T, p project) {
	requests := p.load(t)
	dies := p.Running(t)[0]
	dead := addressOf(t, dies)
	if !slices.ContainsFunc(p.routed(t), dead) {
		t.Errorf("the router leads to %v", p.routed(t))
	}
	begin := time.Now()
	check(t, e2etest.OneMachine(t).KillMachine(dies.NodeName))
	if !e2etest.Eventually(func() bool { return !slices.ContainsFunc(p.routed(t), dead) }) {
		t.Error("the dead instance stays in the router")
	}
	t.Logf("out of the router %s after the death", time.Since(begin).Round(time.Millisecond))
	requests.allow(t, underWay)
	e2etest.MakeUp(t)
	if !e2etest.Eventually(func() bool { return len(p.Answering(t)) == 2 }) {
		t.Error("not both answer when the server is back")
	}
}

// serverOfOneDies kills the server of the only instance. Nobody answers until Nomad
// has missed the server's heartbeat and started another one, on a server of the
// same size and region.
func serverOfOneDies(t *testing.T, p project) {
	defer e2etest.MakeUp(t)
	was := p.Running(t)[0]
	requests := p.load(t)
	begin := time.Now()
	check(t, e2etest.OneMachine(t).KillMachine(was.NodeName))
	elsewhere := func() bool {
		now := p.Answering(t)
		return len(now) == 1 && now[0] != was.ID
	}
	// 15 s until the server counts as dead, and the time of a start.
	if !e2etest.Eventually(elsewhere) {
		t.Error("it was not started elsewhere in time")
	}
	t.Logf("another instance answers %s after the death", time.Since(begin).Round(time.Millisecond))
	requests.stop(t)
}

// commandServerDies kills the only server while a release command runs there. The
// push ends as soon as Nomad has missed the server: nobody knows what the command
// has done, so that it is not run again.
func commandServerDies(t *testing.T, p project) {
	fleet := e2etest.OnServers("xl", "us-west", 1)
	p.Write(t, "fngen.yml", fleet+"functions:\n  live_app: {release: echo begun; sleep 600}\n")
	defer p.Write(t, "fngen.yml", fleet)
	talk, err := cluster.Talk(p.Command("push", p.Name, "."), func(line string) {
		if strings.Contains(line, "| begun") {
			check(t, e2etest.OneMachine(t).KillMachine(p.Running(t)[0].NodeName))
		}
	})
	if err == nil || !strings.Contains(talk, "its server went out of reach") {
		t.Errorf("push: %v\n%s", err, talk)
	}
	e2etest.MakeUp(t)
	// Nomad and Consul take it up again one after the other: it may answer, and then not
	// for a moment.
	steadily := func() bool {
		for range 20 {
			if len(p.Answering(t)) != 1 {
				return false
			}
		}
		return true
	}
	if !e2etest.Eventually(steadily) {
		t.Error("the function does not answer when its server is back")
	}
	p.Settled(t)
}

// drainOfTwo empties a server, as an operator does in the Nomad UI. The instances
// move one after the other and no request fails.
func drainOfTwo(t *testing.T, p project) {
	p.Settled(t)
	requests := p.load(t)
	node := p.Running(t)[0].NodeID
	drain(t, node)
	p.leaves(t, node)
	requests.allow(t, 0)
}

// drainOfOne empties the server of the only instance. Nomad alone would stop it
// when it starts the replacement; the control plane starts that one first. No
// request fails, one instance was started, and the project is as it was.
func drainOfOne(t *testing.T, p project) {
	p.Settled(t)
	requests := p.load(t)
	was, begun := p.Running(t)[0], len(p.Allocations(t))
	drain(t, was.NodeID)
	p.leaves(t, was.NodeID)
	planned := func() bool { return p.Command("plan", p.Name, ".", "--detailed-exitcode").Run() == nil }
	if !e2etest.Eventually(planned) {
		t.Errorf("a plan afterwards:\n%s", p.Run(t, "plan", p.Name, "."))
	}
	if now := p.Running(t); len(now) != 1 || now[0].NodeID == was.NodeID || len(p.Allocations(t)) != begun+1 {
		t.Errorf("it runs as %v", e2etest.IDs(now))
	}
	requests.allow(t, 0)
}

// addressOf recognises where the router finds an instance.
func addressOf(t *testing.T, a *nomad.AllocationListStub) func(url string) bool {
	t.Helper()
	alloc, _, err := e2etest.NomadClient(t).Allocations().Info(a.ID, nil)
	check(t, err)
	port := alloc.AllocatedResources.Shared.Ports[0]
	address := net.JoinHostPort(port.HostIP, strconv.Itoa(port.Value))
	return func(url string) bool { return strings.HasSuffix(url, address) }
}

// consulDies kills the Consul server that the router watches. The router goes on
// with what it knows, and when Consul is back a push works: the watch resumes. No
// request fails.
func consulDies(t *testing.T, p project) {
	was := e2etest.IDs(p.Running(t))
	requests := p.load(t)
	check(t, e2etest.OneMachine(t).KillServer("consul"))
	// As long as a supervisor, or a person, may take to start it again.
	p.served(t, 200)
	e2etest.MakeUp(t)
	if now := p.Answering(t); !slices.Equal(was, now) {
		t.Errorf("%v answer, before it was %v", now, was)
	}
	p.Write(t, "app.py", fmt.Sprintf(e2etest.SlowApp, "three", 0))
	p.Run(t, "push", p.Name, ".")
	if now := p.Answering(t); len(now) != 1 || slices.Equal(was, now) {
		t.Errorf("after a push %v answer, before it was %v", now, was)
	}
	requests.allow(t, 0)
}

// traefikDies kills the router. Nobody is answered until it runs again; then
// everything is where it was.
func traefikDies(t *testing.T, p project) {
	answers := func() string { return cluster.Probe(t.Context(), e2etest.Router(t), p.URL()) }
	was := p.Running(t)[0].ID
	check(t, e2etest.OneMachine(t).KillServer("traefik"))
	if id := answers(); id != "" {
		t.Errorf("%s answers without a router", id)
	}
	begin := time.Now()
	up := exec.Command("make", "-C", "..", "up")
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	if !e2etest.Eventually(func() bool { return answers() == was }) {
		t.Error("it does not answer as before")
	}
	t.Logf("it answers %s after `make up`", time.Since(begin).Round(time.Millisecond))
	if err := up.Wait(); err != nil {
		t.Errorf("make up: %v", err)
	}
}
