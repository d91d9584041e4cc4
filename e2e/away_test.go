//go:build linux

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
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
	cluster.Require(t)
	onlySoak(t)
	e2etest.UpAgain(t)
	p := newProject(t)
	p.Write(t, "app.py", frugalApp)
	p.Write(t, "fngen.yml", e2etest.OnServers("xl", "us-west", 1))
	p.set(t, "VALUE=one\n")
	p.Run(t, "push", p.Name, ".")
	before := p.Running(t)
	requests := p.load(t)
	end, err := e2etest.OneMachine(t).RestartAlone("nomad-"+before[0].NodeName, func() error { return e2etest.OneMachine(t).KillServer("vault") })
	check(t, err)
	t.Cleanup(func() { _ = end() })
	away := time.Now()
	if !e2etest.Eventually(func() bool { return nodeOf(t, before[0]).Status == "ready" }) {
		t.Errorf("the server is %s", nodeOf(t, before[0]).Status)
	}
	if out, err := p.Command("set_env", p.Name, "VALUE", "--from-stdin").CombinedOutput(); err == nil || !strings.Contains(string(out), "Vault") {
		t.Errorf("without Vault: %v\n%s", err, out)
	}
	for time.Since(away) < vaultAway {
		if got := p.value(t); got != "one" {
			t.Fatalf("after %s it has %q", time.Since(away).Round(time.Second), got)
		}
	}
	check(t, end())
	e2etest.MakeUp(t)
	if !e2etest.Eventually(func() bool { return slices.Equal(e2etest.IDs(before), e2etest.IDs(p.Running(t))) }) || p.Running(t)[0].TaskStates["app"].Restarts > 0 {
		t.Errorf("before %v, after %v", e2etest.IDs(before), e2etest.IDs(p.Running(t)))
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
	cmd := p.Command("set_env", p.Name, "-")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("set_env: %v\n%s", err, out)
	}
}

func (p project) value(t *testing.T) (value string) {
	t.Helper()
	check(t, p.Ask(t, "/", nil, &value))
	return value
}

// TestClientAway kills Nomad's agent of two servers, and starts it again when Nomad
// takes the servers for dead. What runs there lives on and serves, so that no request
// fails. Where another server has room a second instance starts, and stays; where there
// is none the first one goes on. Part of make soak.
func TestClientAway(t *testing.T) {
	cluster.Require(t)
	onlySoak(t)
	e2etest.UpAgain(t)
	moves, only := newProject(t), newProject(t)
	moves.Write(t, "fngen.yml", e2etest.OnServers("s", "us-west", 1))
	only.Write(t, "fngen.yml", e2etest.OnServers("xl", "us-west", 1))
	var loads []requests
	for _, p := range []project{moves, only} {
		p.Write(t, "app.py", fmt.Sprintf(e2etest.SlowApp, "one", 0))
		p.Run(t, "push", p.Name, ".")
		loads = append(loads, p.load(t))
	}
	first, stays := moves.Running(t)[0], only.Running(t)[0]
	// Nomad writes down once a minute, and when it is told to stop, which network an
	// allocation has. It does not take over one of which it does not know that.
	check(t, e2etest.OneMachine(t).StopServer("nomad-"+stays.NodeName))
	e2etest.MakeUp(t)
	begin := time.Now()
	check(t, e2etest.OneMachine(t).KillServer("nomad-"+stays.NodeName))
	check(t, e2etest.OneMachine(t).KillServer("nomad-"+first.NodeName))
	both := func() bool { return len(moves.Answering(t)) == 2 }
	if !e2etest.Eventually(both) {
		t.Error("no second instance answers beside the first")
	}
	t.Logf("a second instance answers after %s", time.Since(begin).Round(time.Millisecond))
	missed := func() bool {
		return nodeOf(t, stays).Status == "disconnected" && slices.Equal(only.Answering(t), []string{stays.ID})
	}
	if !e2etest.Eventually(missed) {
		t.Errorf("the server is %s, and %v answer", nodeOf(t, stays).Status, only.Answering(t))
	}
	for _, p := range []project{moves, only} {
		if out := p.Run(t, "status", p.Name); strings.Count(out, "\n") != 1 {
			t.Errorf("while the servers are out of reach its status is\n%s", out)
		}
	}
	e2etest.MakeUp(t)
	settled := func() bool {
		now, kept := moves.Running(t), only.Running(t)
		return len(now) == 1 && now[0].ID != first.ID && slices.Equal(moves.Answering(t), e2etest.IDs(now)) &&
			slices.Equal(e2etest.IDs(kept), []string{stays.ID}) && kept[0].TaskStates["app"].Restarts == 0
	}
	if !e2etest.Eventually(settled) {
		t.Errorf("%v and %v run, before it was %s and %s", e2etest.IDs(moves.Running(t)), e2etest.IDs(only.Running(t)), first.ID, stays.ID)
	}
	for _, r := range loads {
		r.allow(t, 0)
	}
	only.Run(t, "plan", only.Name, ".", "--detailed-exitcode")
}

// nomadClientDies kills the Nomad agent of a server, not its tasks. They keep
// serving, and the agent that comes back takes them over, from one that was stopped
// too. A push that needs this server waits for its agent. No request fails.
func nomadClientDies(t *testing.T, p project) {
	requests := p.load(t)
	before := p.Running(t)
	agent := "nomad-" + before[0].NodeName
	// Nomad writes down once a minute, and when it is told to stop, which network an
	// allocation has. It does not take over one of which it does not know that.
	check(t, e2etest.OneMachine(t).StopServer(agent))
	e2etest.MakeUp(t)
	check(t, e2etest.OneMachine(t).KillServer(agent))
	e2etest.MakeUp(t)
	// On a busy machine Nomad has missed the server meanwhile, and must hear of it first.
	if !e2etest.Eventually(func() bool { return slices.Equal(e2etest.IDs(before), e2etest.IDs(p.Running(t))) }) || p.Running(t)[0].TaskStates["app"].Restarts > 0 {
		t.Errorf("before %v, after %v", e2etest.IDs(before), e2etest.IDs(p.Running(t)))
	}
	// It has opened the directories of the allocation again, and written the identity.
	e2etest.Refused(t, p.Attack(t))
	e2etest.KeepsIdentity(t, before[0])

	p.Write(t, "app.py", fmt.Sprintf(e2etest.SlowApp, "two", 0))
	p.pushWithoutClient(t, agent)
	if now := p.Answering(t); len(now) != 1 || now[0] == before[0].ID {
		t.Errorf("%v answer, before it was %v", now, e2etest.IDs(before))
	}
	requests.allow(t, 0)
}

// pushWithoutClient pushes while Nomad's agent of the only server is dead, which is
// started again when the push needs it. A push that gets there too late, after Nomad
// has missed the server, finds no room, and is tried again.
func (p project) pushWithoutClient(t *testing.T, agent string) {
	t.Helper()
	for try := 1; ; try++ {
		check(t, e2etest.OneMachine(t).KillServer(agent))
		talk, err := cluster.Talk(p.Command("push", p.Name, "."), func(line string) {
			if strings.Contains(line, "starting live_app") {
				e2etest.MakeUp(t)
			}
		})
		if err == nil {
			return
		}
		e2etest.MakeUp(t)
		if try == 5 || !strings.Contains(talk, "no room for live_app") {
			t.Fatalf("push: %v\n%s", err, talk)
		}
	}
}
