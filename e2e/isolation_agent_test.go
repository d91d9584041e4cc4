//go:build linux

package e2e

import (
	_ "embed"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	nomad "github.com/hashicorp/nomad/api"
)

// intruder is a program of a tenant that tries what it must not be able to do, and
// says of each attempt how it ended.
//
//go:embed testdata/intruder.py
var intruder string

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

// attackRoute adds the attack to an application of FastAPI.
const attackRoute = `

@app.get("/attack")
def attack():
    import intruder
    return intruder.attack("app")
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
	requireCluster(t)
	beside(t, "east m")
	p := newProject(t)
	target := p.writeIntruder(t)
	p.write(t, "app.py", intruderApp)
	p.write(t, "fngen.yml", onServers("m", "us-east", 1)+"functions:\n  live_app: {release: python intruder.py release-live_app}\n")
	talk, err := p.command("push", p.name, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("push: %v\n%s", err, talk)
	}
	t.Run("release command", func(t *testing.T) { refusedIn(t, string(talk)) })
	t.Run("function", func(t *testing.T) { refused(t, p.attack(t)) })
	t.Run("processes", func(t *testing.T) { fewProcesses(t, p) })
	t.Run("headers", func(t *testing.T) { noUnderscores(t, p) })
	t.Run("another agent", func(t *testing.T) { noOtherAgent(t, p) })
	t.Run("build", func(t *testing.T) {
		p.write(t, "pyproject.toml", intruderBuild)
		p.write(t, "requirements.txt", "./\n")
		talk, err := p.command("push", p.name, ".").CombinedOutput()
		if err == nil {
			t.Error("a build that raises ends well")
		}
		refusedIn(t, string(talk))
	})
	if _, err := os.Lstat(target); err == nil {
		t.Error("root of the host has written a file that the tenant chose")
	}
}

// writeIntruder writes the module of attacks, and returns the file of the host that
// it wants to be written.
func (p project) writeIntruder(t *testing.T) string {
	t.Helper()
	target := filepath.Join(t.TempDir(), "chosen")
	p.write(t, "intruder.py", strings.ReplaceAll(intruder, "TARGET", target))
	return target
}

// noOtherAgent puts a program of the tenant where Nomad looks for the agent before it
// looks anywhere else, and has the instance crash. What is started again has the
// rights of the agent.
func noOtherAgent(t *testing.T, p project) {
	a := p.running(t)[0]
	var nothing any
	_ = p.ask(t, "/plant", nil, &nothing) // it breaks off
	again := func() bool {
		now := p.running(t)
		return len(now) == 1 && now[0].ID == a.ID && now[0].TaskStates["app"].Restarts > 0 && len(p.answering(t)) == 1
	}
	if !eventually(again) {
		t.Fatal("it was not started again in place")
	}
	var got map[string]string
	p.get(t, "/taken", nil, &got)
	if got["planted"] != "yes" || got["ran as"] != "" {
		t.Errorf("planted: %s; what Nomad started in place of the agent ran as %s", got["planted"], got["ran as"])
	}
}

// get asks the application for JSON, with more headers.
func (p project) get(t *testing.T, path string, headers http.Header, out any) {
	t.Helper()
	check(t, p.ask(t, path, headers, out))
}

func (p project) ask(t *testing.T, path string, headers http.Header, out any) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSuffix(p.url(), "/")+path, nil)
	check(t, err)
	for name, values := range headers {
		req.Header[name] = values
	}
	resp, err := router(t).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(out)
}

func (p project) attack(t *testing.T) map[string]string {
	t.Helper()
	var tried map[string]string
	p.get(t, "/attack", nil, &tried)
	return tried
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
	refused(t, tried)
}

func refused(t *testing.T, tried map[string]string) {
	t.Helper()
	if len(tried) < 15 {
		t.Errorf("only %d attempts", len(tried))
	}
	for what, got := range tried {
		if !strings.HasPrefix(got, "refused") {
			t.Errorf("%s: %s", what, got)
		}
	}
}

// fewProcesses lets a function start as many processes and threads as it gets, which
// its log tells.
func fewProcesses(t *testing.T, p project) {
	var got struct {
		Started int
		Ended   string
	}
	p.get(t, "/count", nil, &got)
	if got.Started < 100 || got.Started >= 1024 || got.Ended != "can't start new thread" {
		t.Errorf("it started %d threads: %s", got.Started, got.Ended)
	}
	a, told := p.running(t)[0], "it has 1024 processes and threads, as many as it may"
	if !eventually(func() bool { return strings.Contains(p.logs(t, a), told) }) {
		t.Errorf("its log does not say so:\n%s", p.logs(t, a))
	}
	// Its health check may have failed of them for a moment.
	var nothing any
	if !eventually(func() bool { return p.ask(t, "/stop", nil, &nothing) == nil }) {
		t.Error("it does not answer any more")
	}
}

// noUnderscores sends headers that would pass for the router's own.
func noUnderscores(t *testing.T, p project) {
	var got map[string]string
	forged := http.Header{"X_Forwarded_For": {"6.6.6.6"}, "x_real_ip": {"6.6.6.6"}, "Remote_User": {"admin"}, "X-Own": {"kept"}}
	p.get(t, "/headers", forged, &got)
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
func (p project) logs(t *testing.T, a *nomad.AllocationListStub) string {
	t.Helper()
	q := (&nomad.QueryOptions{Namespace: p.name, Params: map[string]string{"task": "app", "type": "stderr", "plain": "true"}}).WithContext(t.Context())
	body, err := nomadClient(t).Raw().Response("/v1/client/fs/logs/"+a.ID, q)
	check(t, err)
	defer body.Close()
	text, err := io.ReadAll(body)
	check(t, err)
	return string(text)
}

// keepsIdentity wants the identity of an instance to be written by Nomad where only
// root reads it.
func keepsIdentity(t *testing.T, a *nomad.AllocationListStub) {
	t.Helper()
	found, err := filepath.Glob("../.dev/data/nodes/" + a.NodeName + "/*/alloc/" + a.ID + "/app/secrets/nomad_fngen.jwt")
	check(t, err)
	if len(found) != 1 {
		t.Fatalf("%d identities", len(found))
	}
	info, err := os.Lstat(found[0])
	check(t, err)
	if !info.Mode().IsRegular() || info.Size() == 0 {
		t.Errorf("the identity is %v of %d bytes", info.Mode(), info.Size())
	}
}
