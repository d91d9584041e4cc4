//go:build linux

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/e2e/cluster"
)

// frugalApp has a variable and needs nothing to be installed.
const frugalApp = `import os
from fngen.powers import webapp

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": ('"%s"' % os.environ.get("VALUE", "")).encode()})

@webapp(framework="asgi")
def live_app():
    return app
`

// vaultAway is for how long Vault is away at least: Nomad's own patience for it would be
// over after its first attempts.
const vaultAway = time.Minute

// TestVaultAway kills Vault, and starts the Nomad agent of a server anew meanwhile. What
// runs there serves on with its variables, and takes others when Vault is back. Part of
// make soak.
func TestVaultAway(t *testing.T) {
	requireCluster(t)
	onlySoak(t)
	upAgain(t)
	p := newProject(t)
	p.write(t, "app.py", frugalApp)
	p.write(t, "fngen.yml", onServers("xl", "us-west", 1))
	p.set(t, "VALUE=one\n")
	p.run(t, "push", p.name, ".")
	before := p.running(t)
	requests := p.load(t)
	end, err := oneMachine(t).RestartAlone("nomad-"+before[0].NodeName, func() error { return oneMachine(t).KillServer("vault") })
	check(t, err)
	t.Cleanup(func() { _ = end() })
	away := time.Now()
	if !eventually(func() bool { return nodeOf(t, before[0]).Status == "ready" }) {
		t.Errorf("the server is %s", nodeOf(t, before[0]).Status)
	}
	if out, err := p.command("set_env", p.name, "VALUE", "--from-stdin").CombinedOutput(); err == nil || !strings.Contains(string(out), "Vault") {
		t.Errorf("without Vault: %v\n%s", err, out)
	}
	for time.Since(away) < vaultAway {
		if got := p.value(t); got != "one" {
			t.Fatalf("after %s it has %q", time.Since(away).Round(time.Second), got)
		}
	}
	check(t, end())
	makeUp(t)
	if !eventually(func() bool { return slices.Equal(ids(before), ids(p.running(t))) }) || p.running(t)[0].TaskStates["app"].Restarts > 0 {
		t.Errorf("before %v, after %v", ids(before), ids(p.running(t)))
	}
	p.set(t, "VALUE=two\n")
	if got := p.value(t); got != "two" {
		t.Errorf("with Vault again it has %q", got)
	}
	requests.allow(t, 0)
}

// set sets variables from a text.
func (p project) set(t *testing.T, text string) {
	t.Helper()
	cmd := p.command("set_env", p.name, "-")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("set_env: %v\n%s", err, out)
	}
}

func (p project) value(t *testing.T) (value string) {
	t.Helper()
	check(t, p.ask(t, "/", nil, &value))
	return value
}

// TestClientAway kills Nomad's agent of two servers, and starts it again when Nomad
// takes the servers for dead. What runs there lives on and serves, so that no request
// fails. Where another server has room a second instance starts, and stays; where there
// is none the first one goes on. Part of make soak.
func TestClientAway(t *testing.T) {
	requireCluster(t)
	onlySoak(t)
	upAgain(t)
	moves, only := newProject(t), newProject(t)
	moves.write(t, "fngen.yml", onServers("s", "us-west", 1))
	only.write(t, "fngen.yml", onServers("xl", "us-west", 1))
	var loads []requests
	for _, p := range []project{moves, only} {
		p.write(t, "app.py", fmt.Sprintf(slowApp, "one", 0))
		p.run(t, "push", p.name, ".")
		loads = append(loads, p.load(t))
	}
	first, stays := moves.running(t)[0], only.running(t)[0]
	// Nomad writes down once a minute, and when it is told to stop, which network an
	// allocation has. It does not take over one of which it does not know that.
	check(t, oneMachine(t).StopServer("nomad-"+stays.NodeName))
	makeUp(t)
	begin := time.Now()
	check(t, oneMachine(t).KillServer("nomad-"+stays.NodeName))
	check(t, oneMachine(t).KillServer("nomad-"+first.NodeName))
	both := func() bool { return len(moves.answering(t)) == 2 }
	if !eventually(both) {
		t.Error("no second instance answers beside the first")
	}
	t.Logf("a second instance answers after %s", time.Since(begin).Round(time.Millisecond))
	missed := func() bool {
		return nodeOf(t, stays).Status == "disconnected" && slices.Equal(only.answering(t), []string{stays.ID})
	}
	if !eventually(missed) {
		t.Errorf("the server is %s, and %v answer", nodeOf(t, stays).Status, only.answering(t))
	}
	for _, p := range []project{moves, only} {
		if out := p.run(t, "status", p.name); strings.Count(out, "\n") != 1 {
			t.Errorf("while the servers are out of reach its status is\n%s", out)
		}
	}
	makeUp(t)
	settled := func() bool {
		now, kept := moves.running(t), only.running(t)
		return len(now) == 1 && now[0].ID != first.ID && slices.Equal(moves.answering(t), ids(now)) &&
			slices.Equal(ids(kept), []string{stays.ID}) && kept[0].TaskStates["app"].Restarts == 0
	}
	if !eventually(settled) {
		t.Errorf("%v and %v run, before it was %s and %s", ids(moves.running(t)), ids(only.running(t)), first.ID, stays.ID)
	}
	for _, r := range loads {
		r.allow(t, 0)
	}
	only.run(t, "plan", only.name, ".", "--detailed-exitcode")
}

// nomadClientDies kills the Nomad agent of a server, not its tasks. They keep
// serving, and the agent that comes back takes them over, from one that was stopped
// too. A push that needs this server waits for its agent. No request fails.
func nomadClientDies(t *testing.T, p project) {
	requests := p.load(t)
	before := p.running(t)
	agent := "nomad-" + before[0].NodeName
	// Nomad writes down once a minute, and when it is told to stop, which network an
	// allocation has. It does not take over one of which it does not know that.
	check(t, oneMachine(t).StopServer(agent))
	makeUp(t)
	check(t, oneMachine(t).KillServer(agent))
	makeUp(t)
	// On a busy machine Nomad has missed the server meanwhile, and must hear of it first.
	if !eventually(func() bool { return slices.Equal(ids(before), ids(p.running(t))) }) || p.running(t)[0].TaskStates["app"].Restarts > 0 {
		t.Errorf("before %v, after %v", ids(before), ids(p.running(t)))
	}
	// It has opened the directories of the allocation again, and written the identity.
	refused(t, p.attack(t))
	keepsIdentity(t, before[0])

	p.write(t, "app.py", fmt.Sprintf(slowApp, "two", 0))
	p.pushWithoutClient(t, agent)
	if now := p.answering(t); len(now) != 1 || now[0] == before[0].ID {
		t.Errorf("%v answer, before it was %v", now, ids(before))
	}
	requests.allow(t, 0)
}

// pushWithoutClient pushes while Nomad's agent of the only server is dead, which is
// started again when the push needs it. A push that gets there too late, after Nomad
// has missed the server, finds no room, and is tried again.
func (p project) pushWithoutClient(t *testing.T, agent string) {
	t.Helper()
	for try := 1; ; try++ {
		check(t, oneMachine(t).KillServer(agent))
		talk, err := cluster.Talk(p.command("push", p.name, "."), func(line string) {
			if strings.Contains(line, "starting live_app") {
				makeUp(t)
			}
		})
		if err == nil {
			return
		}
		makeUp(t)
		if try == 5 || !strings.Contains(talk, "no room for live_app") {
			t.Fatalf("push: %v\n%s", err, talk)
		}
	}
}
