//go:build linux

package e2e

import (
	"slices"
	"strings"
	"syscall"
	"testing"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
	"fngen.dev/fngen/pkg/api"
)

// faultyApp fails when it is told to, in each way that only Nomad or Consul tells of.
const faultyApp = `import os
from fngen.powers import webapp

well, held = True, []

async def app(scope, receive, send):
    global well
    if scope["type"] != "http":
        return
    path = scope["path"]
    if path == "/crash":
        os._exit(3)
    if path == "/eat":
        while True:
            held.append(b"x" * (16 << 20))
    if path in ("/ill", "/heal"):
        well = path == "/heal"
    status = 503 if path == "/health" and not well else 200
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b'"ok"'})

@webapp(framework="asgi", health="/health", processes=1)
def live_app():
    return app
`

// TestIncidents lets instances fail in all ways of which only Nomad and Consul know: the
// project's log tells each once, with the time at which it was, also when no control plane
// ran then.
func TestIncidents(t *testing.T) {
	cluster.Require(t)
	e2etest.UpAgain(t)
	p := newProject(t)
	p.Write(t, "app.py", faultyApp)
	p.Write(t, "fngen.yml", e2etest.OnServers("s", "us-west", 1))
	p.Run(t, "push", p.Name, ".")
	first := p.Running(t)[0]
	name := "instance " + first.ID[:8]

	_ = p.Ask(t, "/crash", nil, new(any))
	p.tells(t, "WARNING", name+" ended with exit code ", "; it is started again")
	p.asked(t, "/ill")
	p.tells(t, "ERROR", name+" fails its health check, and gets no requests: ", "")
	check(t, e2etest.OneMachine(t).KillInstance(first.ID, "python")) // it cannot be asked to heal: the router leads nowhere
	p.tells(t, "INFO", name+" passes its health check again", "")

	t.Run("while no control plane runs", func(t *testing.T) {
		pid, err := e2etest.OneMachine(t).ControlPlane()
		check(t, err)
		check(t, syscall.Kill(pid, syscall.SIGSTOP))
		t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
		_ = p.Ask(t, "/eat", nil, new(any))
		killed := func() bool {
			i := slices.IndexFunc(p.Allocations(t), func(a *nomad.AllocationListStub) bool { return a.ID == first.ID })
			return p.Allocations(t)[i].TaskStates["app"].Restarts == 3
		}
		if !e2etest.Eventually(killed) {
			t.Error("it was not killed for its memory")
		}
		check(t, syscall.Kill(pid, syscall.SIGKILL))
		p.tells(t, "ERROR", name+" was killed: it took more memory than its server has for it; ", "")
	})

	check(t, e2etest.OneMachine(t).KillMachine(first.NodeName))
	p.tells(t, "ERROR", name+" is out of reach with its server "+first.NodeName, "")
	e2etest.MakeUp(t)
	p.onceEach(t)
}

// asked asks until the app answers: the router alone says "404 page not found", which
// begins as JSON does.
func (p project) asked(t *testing.T, path string) {
	t.Helper()
	answered := func() bool {
		var said string
		return p.Ask(t, path, nil, &said) == nil && said == "ok"
	}
	if !e2etest.Eventually(answered) {
		t.Fatalf("%s is not answered", path)
	}
}

// incidents are the lines of the platform about instances.
func (p project) incidents(t *testing.T) (out []api.LogLine) {
	t.Helper()
	if p.Command("logs", p.Name, "--json").Run() != nil {
		return nil // the control plane is being started again
	}
	for _, l := range p.lines(t, "--power", "platform") {
		if strings.HasPrefix(l.Message, "instance ") {
			out = append(out, l)
		}
	}
	return out
}

// tells waits for a line that begins and ends so.
func (p project) tells(t *testing.T, level, begin, end string) {
	t.Helper()
	said := func() bool {
		for _, l := range p.incidents(t) {
			if l.Level == level && strings.HasPrefix(l.Message, begin) && strings.HasSuffix(l.Message, end) {
				return l.Function == "live_app" && l.Server == "web" && l.Release == 1 && l.Instance != ""
			}
		}
		return false
	}
	if !e2etest.Eventually(said) {
		t.Errorf("the log does not tell %q ... %q, but %+v", begin, end, p.incidents(t))
	}
}

// onceEach holds that no incident was told twice: of each end its time tells.
func (p project) onceEach(t *testing.T) {
	t.Helper()
	ends, others := map[string]int{}, map[string]int{}
	for _, l := range p.incidents(t) {
		if strings.Contains(l.Message, "started") {
			ends[l.Time.String()]++
		} else {
			others[l.Message]++
		}
	}
	for what, n := range ends {
		if n > 1 {
			t.Errorf("an end at %s is told %d times", what, n)
		}
	}
	if len(ends) != 3 {
		t.Errorf("three ends are told as %d", len(ends))
	}
	for what, n := range others {
		if n > 1 {
			t.Errorf("told %d times: %s", n, what)
		}
	}
}
