//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestNomadClientDies kills the Nomad agent of a server, not its tasks. They keep
// serving, and the agent that comes back takes them over. A push that needs this
// server waits for its agent.
func TestNomadClientDies(t *testing.T) {
	requireCluster(t)
	upAgain(t)
	p := newProject(t)
	p.write(t, "app.py", fmt.Sprintf(slowApp, "one", 0))
	p.write(t, "fngen.yml", onServers("xl", "us-west", 1)) // there is one such server
	p.run(t, "push", p.name, ".")
	load := p.load(t)
	before := p.running(t)
	agent := "nomad-" + before[0].NodeName
	crash(t, server(t, agent))
	makeUp(t)
	after := p.running(t)
	if !slices.Equal(ids(before), ids(after)) || after[0].TaskStates["app"].Restarts > 0 {
		t.Errorf("before %v, after %v", ids(before), ids(after))
	}

	crash(t, server(t, agent))
	p.write(t, "app.py", fmt.Sprintf(slowApp, "two", 0))
	push := p.command("push", p.name, ".")
	var out bytes.Buffer
	push.Stdout, push.Stderr = &out, &out
	if err := push.Start(); err != nil {
		t.Fatal(err)
	}
	placed := func() bool { return len(p.allocations(t)) == 2 }
	if !eventually(placed) {
		t.Errorf("the push starts nothing:\n%s", out.String())
	}
	makeUp(t)
	if err := push.Wait(); err != nil {
		t.Errorf("push: %v\n%s", err, out.String())
	}
	if now := p.answering(t); len(now) != 1 || now[0] == before[0].ID {
		t.Errorf("%v answer, before it was %v", now, ids(before))
	}
	load.allow(t, 0)
}

// TestServerDies kills all that runs on a server at once, as when its power goes.
// A function with another instance elsewhere goes on, but for the requests that
// were under way. One that was only there is started on another server of its
// size and region, as soon as Nomad has missed the server's heartbeat.
func TestServerDies(t *testing.T) {
	requireCluster(t)
	upAgain(t)
	p := newProject(t)
	p.write(t, "app.py", fmt.Sprintf(slowApp, "one", 0))
	p.write(t, "fngen.yml", onServers("s", "us-west", 2))
	p.run(t, "push", p.name, ".")
	load := p.load(t)
	begin := time.Now()
	crash(t, machine(t, p.running(t)[0].NodeName)...)
	if !eventually(func() bool { return len(p.routed(t)) == 1 }) {
		t.Error("the dead instance stays in the router")
	}
	t.Logf("out of the router %s after the death", time.Since(begin).Round(time.Millisecond))
	load.allow(t, underWay)
	makeUp(t)

	p.write(t, "fngen.yml", onServers("s", "us-west", 1))
	p.run(t, "push", p.name, ".")
	was := p.running(t)[0]
	load = p.load(t)
	begin = time.Now()
	crash(t, machine(t, was.NodeName)...)
	elsewhere := func() bool {
		now := p.answering(t)
		return len(now) == 1 && now[0] != was.ID
	}
	if !within(time.Minute, elsewhere) {
		t.Fatal("the function was not started elsewhere")
	}
	t.Logf("another instance answers %s after the death", time.Since(begin).Round(time.Millisecond))
	load.stop()
	t.Log(load.summary())
	p.onlyOn(t, "s", "us-west")
}
