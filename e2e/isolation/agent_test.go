//go:build linux

package isolation

import (
	_ "embed"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
)

// intruderApp attacks whenever it is asked, and tells which headers it gets.
const intruderApp = `import json
import intruder
from fngen.powers import webapp

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    headers = lambda: {k.decode(): v.decode() for k, v in scope["headers"]}
    answers = {"/attack": lambda: intruder.attack("app"), "/count": intruder.count, "/stop": intruder.stop, "/plant": intruder.plant, "/taken": intruder.taken}
    said = answers.get(scope["path"], headers)()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(said).encode()})

@webapp(framework="asgi")
def live_app():
    return app
`

// intruderBuild is a build backend of the tree, which needs no index.
const intruderBuild = `[build-system]
requires = []
build-backend = "intruder"
backend-path = ["."]

[project]
name = "intruder"
version = "1"
`

// TestIsolationAgent attacks what is between Nomad and the agent, and the node, from
// inside a function, a release command and a build. Each attempt must be refused.
func TestIsolationAgent(t *testing.T) {
	cluster.Require(t)
	e2etest.Beside(t, "east m")
	p := e2etest.New(t)
	target := p.WriteIntruder(t)
	p.Write(t, "app.py", intruderApp)
	p.Write(t, "fngen.yml", e2etest.OnServers("m", "us-east", 1)+"functions:\n  live_app: {release: python intruder.py release-live_app}\n")
	talk, err := p.Command("push", p.Name, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("push: %v\n%s", err, talk)
	}
	t.Run("release command", func(t *testing.T) { refusedIn(t, string(talk)) })
	t.Run("function", func(t *testing.T) { e2etest.Refused(t, p.Attack(t)) })
	t.Run("processes", func(t *testing.T) { fewProcesses(t, p) })
	t.Run("headers", func(t *testing.T) { noUnderscores(t, p) })
	t.Run("another agent", func(t *testing.T) { noOtherAgent(t, p) })
	t.Run("build", func(t *testing.T) {
		p.Write(t, "pyproject.toml", intruderBuild)
		p.Write(t, "requirements.txt", "./\n")
		talk, err := p.Command("push", p.Name, ".").CombinedOutput()
		if err == nil {
			t.Error("a build that raises ends well")
		}
		refusedIn(t, string(talk))
	})
	if _, err := os.Lstat(target); err == nil {
		t.Error("root of the host has written a file that the tenant chose")
	}
}

// noOtherAgent puts a program of the tenant where Nomad looks for the agent before it
// looks anywhere else, and has the instance crash. What is started again has the
// rights of the agent.
func noOtherAgent(t *testing.T, p e2etest.Project) {
	a := p.Running(t)[0]
	var nothing any
	_ = p.Ask(t, "/plant", nil, &nothing) // it breaks off
	again := func() bool {
		now := p.Running(t)
		return len(now) == 1 && now[0].ID == a.ID && now[0].TaskStates["app"].Restarts > 0 && len(p.Answering(t)) == 1
	}
	if !e2etest.Eventually(again) {
		t.Fatal("it was not started again in place")
	}
	var got map[string]string
	p.Get(t, "/taken", nil, &got)
	if got["planted"] != "yes" || got["ran as"] != "" {
		t.Errorf("planted: %s; what Nomad started in place of the agent ran as %s", got["planted"], got["ran as"])
	}
}

// said is the line in which an intruder that is no application tells.
var said = regexp.MustCompile(`INTRUDER (\{.*\})`)

func refusedIn(t *testing.T, talk string) {
	t.Helper()
	line := said.FindStringSubmatch(talk)
	if line == nil {
		t.Fatalf("it did not run:\n%s", talk)
	}
	var tried map[string]string
	check(t, json.Unmarshal([]byte(line[1]), &tried))
	e2etest.Refused(t, tried)
}

// fewProcesses lets a function start as many processes and threads as it gets, which
// its log tells.
func fewProcesses(t *testing.T, p e2etest.Project) {
	var got struct {
		Started int
		Ended   string
	}
	p.Get(t, "/count", nil, &got)
	if got.Started < 100 || got.Started >= 1024 || got.Ended != "can't start new thread" {
		t.Errorf("it started %d threads: %s", got.Started, got.Ended)
	}
	a, told := p.Running(t)[0], "it has 1024 processes and threads, as many as it may"
	if !e2etest.Eventually(func() bool { return strings.Contains(logs(t, p, a), told) }) {
		t.Errorf("its log does not say so:\n%s", logs(t, p, a))
	}
	// Its health check may have failed of them for a moment.
	var nothing any
	if !e2etest.Eventually(func() bool { return p.Ask(t, "/stop", nil, &nothing) == nil }) {
		t.Error("it does not answer any more")
	}
}

// noUnderscores sends headers that would pass for the router's own.
func noUnderscores(t *testing.T, p e2etest.Project) {
	var got map[string]string
	forged := http.Header{"X_Forwarded_For": {"6.6.6.6"}, "x_real_ip": {"6.6.6.6"}, "Remote_User": {"admin"}, "X-Own": {"kept"}}
	p.Get(t, "/headers", forged, &got)
	for name := range got {
		if strings.Contains(name, "_") {
			t.Errorf("%s came through", name)
		}
	}
	if got["x-own"] != "kept" || got["x-forwarded-for"] == "" {
		t.Errorf("got %v", got)
	}
}

// logs is what an instance and its agent have said.
func logs(t *testing.T, p e2etest.Project, a *nomad.AllocationListStub) string {
	t.Helper()
	q := (&nomad.QueryOptions{Namespace: p.Name, Params: map[string]string{"task": "app", "type": "stderr", "plain": "true"}}).WithContext(t.Context())
	body, err := e2etest.NomadClient(t).Raw().Response("/v1/client/fs/logs/"+a.ID, q)
	check(t, err)
	defer body.Close()
	text, err := io.ReadAll(body)
	check(t, err)
	return string(text)
}
