//go:build linux

package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"
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
