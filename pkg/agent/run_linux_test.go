package agent

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/agent/agenttest"
	"fngen.dev/fngen/pkg/agent/cache"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/nodefiles"
	"fngen.dev/fngen/pkg/agent/testbed"
)

// storeVenv stores a layer that is a virtual environment with these modules.
func storeVenv(t *testing.T, c *testbed.ControlPlane, key string, modules ...agenttest.Entry) {
	t.Helper()
	entries := []agenttest.Entry{
		{Name: "pyvenv.cfg", Content: "home = /usr/bin\n"},
		{Name: "bin/python", Link: "/usr/bin/python3.11", Kind: '2'},
	}
	for _, module := range modules {
		module.Name = "lib/python3.11/site-packages/" + module.Name
		entries = append(entries, module)
	}
	c.Has("/v1/agent/layers/"+key, agenttest.Archive(t, entries...))
}

// TestRun runs a command in the code, with the environment and the rights of the
// function, in which Python finds what the function would find.
func TestRun(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	wheel := m.Wheel(t)
	storeVenv(t, c, "pins", agenttest.Entry{Name: "uvicorn.py", Content: "mine = True\n"})
	digest := c.Tree(t, agenttest.Entry{Name: "app.py", Content: "from fngen.powers import webapp\nimport fngen, uvicorn\nassert uvicorn.mine\n"},
		agenttest.Entry{Name: "look.py", Content: "import app, fngen\nX = fngen.__file__\n" + reporter[:strings.Index(reporter, "while True:")]})
	cmd := m.Agent(t, c, "run", digest, "--layer=pins", "--function=live_app", "--power=webapp", "--file=app.py",
		"--release=3", "--server=default", `--command=x="a b" && export X="$x" FILE && FILE=$(python -c 'import app, sys; print(app.fngen.__file__)') python look.py && exit 7`)
	cmd.Env = []string{
		"NOMAD_ALLOC_ID=a1", "NOMAD_TOKEN=canary", "VAULT_TOKEN=canary", "HOME=/root", "PATH=/sbin", "USER=root", "PYTHONPATH=/mine",
		"SECRET_FILE=" + m.Identity, "OTHER_CACHE=" + m.Cache + "/700998",
	}
	if _, err := cache.Open(m.Cache, testbed.UID-1, console.Logger{W: &bytes.Buffer{}}); err != nil {
		t.Fatal(err)
	}
	p := testbed.Start(t, cmd)
	var r report
	if err := json.Unmarshal(p.Line(t), &r); err != nil {
		t.Fatal(err)
	}
	if code := p.Wait(t); code != 7 || p.Said.Len() > 0 {
		t.Errorf("exit code is %d, want the command's 7; said %s", code, &p.Said)
	}
	layer := m.Cache + "/700999/layers/pins"
	for name, want := range map[string]string{
		"FNGEN_PROJECT": "hello", "FNGEN_FUNCTION": "live_app", "FNGEN_POWER": "webapp", "FNGEN_RELEASE": "3", "FNGEN_SERVER": "default",
		"FNGEN_FILE": "app.py", "FNGEN_PORT": "", "HOME": m.Home, "TMPDIR": "/tmp", "PATH": layer + "/bin:" + nodefiles.SearchPath, "USER": "hello",
		"VIRTUAL_ENV": layer, "LANG": "C.UTF-8", "NOMAD_ALLOC_ID": "a1", "X": "a b", "PYTHONPATH": "/mine:" + wheel,
		"FILE": wheel + "/fngen/__init__.py",
	} {
		if r.Env[name] != want {
			t.Errorf("%s is %q, want %q", name, r.Env[name], want)
		}
	}
	for name, value := range r.Env {
		if strings.Contains(value, "canary") {
			t.Errorf("%s came through", name)
		}
	}
	if r.Cwd != m.App || r.WriteTree != "done" {
		t.Errorf("runs in %s; writing there: %s", r.Cwd, r.WriteTree)
	}
	for _, id := range append(r.IDs, r.Groups...) {
		if id != testbed.UID || len(r.Groups) != 1 {
			t.Errorf("ids %v, groups %v", r.IDs, r.Groups)
		}
	}
	for what, got := range map[string]string{
		"setuid(0)": r.Setuid, "reading the identity": r.Secret, "reading another project's cache": r.Other,
	} {
		if !testbed.Refused(got) {
			t.Errorf("%s: %s", what, got)
		}
	}
	testbed.CheckPowerless(t, r.Status)
}

// TestRunOtherSDK holds that the platform's own fngen is imported, whatever a layer
// has of that name.
func TestRunOtherSDK(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	m.Wheel(t)
	storeVenv(t, c, "own", agenttest.Entry{Name: "fngen/__init__.py", Content: "__version__ = '0.9.20'\n"})
	p := testbed.Start(t, m.Agent(t, c, "run", c.Tree(t, agenttest.Entry{Name: "app.py"}), "--layer=own", "--function=live_app", "--file=app.py",
		`--command=python -c 'import fngen; print(fngen.__version__)'`))
	if line := string(p.Line(t)); line != ir.SDKVersion+"\n" {
		t.Errorf("got %q", line)
	}
	if code := p.Wait(t); code != 0 {
		t.Errorf("exit code is %d; said %s", code, &p.Said)
	}
}

func TestRunExitCodes(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	digest := c.Tree(t, agenttest.Entry{Name: "app.py"})
	run := func(command string) *testbed.Process {
		return testbed.Start(t, m.Agent(t, c, "run", digest, "--function=live_app", "--file=app.py", "--command="+command))
	}
	p := run("true")
	if code := p.Wait(t); code != console.ExitFailed || !strings.Contains(p.Said.String(), "0 wheels of the SDK") {
		t.Errorf("a node without the SDK: exit code %d, said %s", code, &p.Said)
	}
	m.Wheel(t)
	for command, want := range map[string]struct {
		code int
		said string
	}{
		"true":               {0, ""},
		"exit 42":            {42, ""},
		"kill -KILL $$":      {137, "the release command of live_app was killed by SIGKILL"},
		"no-such-program":    {127, "not found"},
		"test -z \"$(cat)\"": {0, ""}, // nothing on standard input
	} {
		p := run(command)
		if code := p.Wait(t); code != want.code || !strings.Contains(p.Said.String(), want.said) || want.said == "" && p.Said.Len() > 0 {
			t.Errorf("%s: exit code %d, said %s", command, code, &p.Said)
		}
	}
	p = run("trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done")
	p.Line(t)
	p.Signal(t, syscall.SIGTERM)
	if code := p.Wait(t); code != 5 {
		t.Errorf("told to stop: exit code %d, said %s", code, &p.Said)
	}
}

// TestRunIsStopped stops a command that a shell waits for, by the signal that Nomad
// sends: it has time to put things in order.
func TestRunIsStopped(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	m.Wheel(t)
	digest := c.Tree(t, agenttest.Entry{Name: "migrate.py", Content: `
import signal
try:
    print("begun", flush=True)  # the signal may come before this returns
    signal.pause()
except KeyboardInterrupt:
    print("rolled back", flush=True)
    raise
`})
	p := testbed.Start(t, m.Agent(t, c, "run", digest, "--function=live_app", "--file=app.py", "--command=python3.11 migrate.py; echo never"))
	p.Line(t)
	p.Signal(t, syscall.SIGINT)
	if line := string(p.Line(t)); line != "rolled back\n" {
		t.Errorf("got %q", line)
	}
	rest, err := io.ReadAll(p.Out)
	if code := p.Wait(t); code != 128+int(syscall.SIGINT) || err != nil || len(rest) > 0 {
		t.Errorf("exit code is %d, printed %q, %v; said %s", code, rest, err, &p.Said)
	}
}

// TestRunStopsBefore stops an agent that waits for the control plane: the command
// is not begun.
func TestRunStopsBefore(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	m.Wheel(t)
	asked := make(chan bool, 100)
	c.Instead(func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, "no", http.StatusBadGateway)
		asked <- true
		return true
	})
	mark := filepath.Join(m.Dir, "mark")
	p := testbed.Start(t, m.Agent(t, c, "run", "sha256:"+strings.Repeat("0", 64), "--function=live_app", "--file=app.py", "--command=touch "+mark))
	<-asked
	p.Signal(t, syscall.SIGTERM)
	if code := p.Wait(t); code != 128+15 || !strings.Contains(p.Said.String(), "stopped before the release command of live_app was started") {
		t.Errorf("exit code is %d; said %s", code, &p.Said)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("the command ran")
	}
}
