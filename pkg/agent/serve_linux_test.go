package agent

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"fngen.dev/fngen/pkg/agent/agenttest"
	"fngen.dev/fngen/pkg/agent/cache"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/nodefiles"
	"fngen.dev/fngen/pkg/agent/testbed"
)

// reporter is a function that says what it sees and then waits for a signal.
const reporter = `
import json, os, signal, sys, threading

def attempt(f, *args):
    try:
        f(*args)
        return "done"
    except OSError as e:
        return type(e).__name__

status = dict(line.rstrip("\n").split(":\t", 1) for line in open("/proc/self/status") if ":\t" in line)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print(json.dumps({
    "env": dict(os.environ), "cwd": os.getcwd(), "files": sorted(os.listdir(".")), "ids": os.getresuid() + os.getresgid(),
    "groups": os.getgroups(), "status": status, "umask": status["Umask"], "group": os.getpgid(0) == os.getpid(),
    "setuid": attempt(os.setuid, 0), "setgid": attempt(os.setgid, 0),
    "secret": attempt(open, os.environ["SECRET_FILE"]), "variables": attempt(open, os.environ.get("VARIABLES_FILE", os.environ["SECRET_FILE"])),
    "other": attempt(os.listdir, os.environ["OTHER_CACHE"]),
    "write_tree": attempt(open, "new.py", "w"), "write_home": attempt(open, os.environ["HOME"] + "/x", "w"),
    "parent_environ": attempt(open, "/proc/%d/environ" % os.getppid()),
    "parent_memory": attempt(open, "/proc/%d/mem" % os.getppid()),
    "tracer": attempt(open, "/proc/%d/maps" % os.getppid()),
}), flush=True)
while True:
    signal.pause()
`

type report struct {
	Env                           map[string]string
	Cwd                           string
	Files                         []string
	IDs                           []int `json:"ids"`
	Groups                        []int
	Status                        map[string]string
	Umask                         string
	Group                         bool
	Setuid, Setgid, Secret, Other string
	Variables                     string
	WriteTree                     string `json:"write_tree"`
	WriteHome                     string `json:"write_home"`
	ParentEnviron                 string `json:"parent_environ"`
	ParentMemory                  string `json:"parent_memory"`
	Tracer                        string
}

func TestServe(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	m.Boot(t, reporter)
	digest := c.Tree(t, agenttest.Entry{Name: "app.py", Content: "x = 1\n"}, agenttest.Entry{Name: "pkg/__init__.py"})
	if _, err := cache.Open(m.Cache, testbed.UID-1, console.Logger{W: io.Discard}); err != nil {
		t.Fatal(err)
	}
	cmd := m.Agent(t, c, "serve", digest, "--function=live_app", "--power=webapp", "--file=app.py",
		"--release=3", "--server=default", "--drain=1500ms", "--health=/up", "--framework=flask", "--env=2", "--env-file="+m.Variables(t, map[string]string{
			"VAULT_ADDR": "http://their.own", "CONSUL_HTTP_TOKEN": "their own", "PORT": "1", "MULTI": "two\nlines = $HOME", "EMPTY": "", "HOME": "canary", ".mark": "canary", "Ł": "ż",
		}))
	cmd.Env = []string{
		"NOMAD_IP_http=127.0.0.1", "NOMAD_PORT_http=20123", "NOMAD_ALLOC_ID=a1", "NOMAD_DC=us-west",
		"NOMAD_TOKEN=canary", "NOMAD_TOKEN_fngen=canary", "VAULT_TOKEN=canary", "CONSUL_HTTP_TOKEN=canary", "NOMAD_SECRETS_DIR=canary",
		"HOME=/root", "PATH=/sbin", "USER=root", "FNGEN_RELEASE=99", "LANG=de_DE.UTF-8", "AZURE_KEYVAULT_URL=mine", "MULTI=a=b",
		"HTTPS_PROXY=http://127.0.0.1:1", // the project's own: not for the agent
		"SECRET_FILE=" + m.Identity, "VARIABLES_FILE=" + m.Dir + "/secrets/variables.json", "OTHER_CACHE=" + m.Cache + "/700998",
	}
	p := testbed.Start(t, cmd)
	var r report
	if err := json.Unmarshal(p.Line(t), &r); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"FNGEN_PROJECT": "hello", "FNGEN_FUNCTION": "live_app", "FNGEN_POWER": "webapp", "FNGEN_RELEASE": "3", "FNGEN_SERVER": "default",
		"FNGEN_FILE": "app.py", "FNGEN_HOST": "127.0.0.1", "FNGEN_PORT": "20123", "FNGEN_HEALTH": "/up", "FNGEN_FRAMEWORK": "flask", "FNGEN_DRAIN_SECONDS": "2",
		"FNGEN_RUNTIME": m.Node + "/runtime/3.11", "HOME": m.Home, "TMPDIR": "/tmp", "PATH": nodefiles.SearchPath, "USER": "hello",
		"LANG": "de_DE.UTF-8", "PYTHONUNBUFFERED": "1", "NOMAD_ALLOC_ID": "a1", "NOMAD_DC": "us-west", "AZURE_KEYVAULT_URL": "mine", "MULTI": "two\nlines = $HOME",
		"VAULT_ADDR": "http://their.own", "CONSUL_HTTP_TOKEN": "their own", "PORT": "1", "Ł": "ż",
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
	if r.Cwd != m.App || strings.Join(r.Files, " ") != "app.py pkg" {
		t.Errorf("runs in %s with %v", r.Cwd, r.Files)
	}
	for _, id := range append(r.IDs, r.Groups...) {
		if id != testbed.UID || len(r.Groups) != 1 {
			t.Errorf("ids %v, groups %v", r.IDs, r.Groups)
		}
	}
	for what, got := range map[string]string{
		"setuid(0)": r.Setuid, "setgid(0)": r.Setgid, "reading the identity": r.Secret, "reading another project's cache": r.Other,
		"reading the agent's environment": r.ParentEnviron, "reading the agent's memory": r.ParentMemory,
		"reading the agent's maps": r.Tracer, "reading the file of variables": r.Variables,
	} {
		if !testbed.Refused(got) {
			t.Errorf("%s: %s", what, got)
		}
	}
	if r.WriteHome != "done" || r.WriteTree != "done" || !r.Group {
		t.Errorf("writing the home: %s, the tree: %s; own process group: %t", r.WriteHome, r.WriteTree, r.Group)
	}
	testbed.CheckPowerless(t, r.Status)
	t.Logf("the agent's resident memory: %s", residentOf(t, cmd.Process.Pid))
	p.Signal(t, syscall.SIGTERM)
	if code := p.Wait(t); code != 7 {
		t.Errorf("exit code is %d, want Python's 7; said %s", code, &p.Said)
	}
}

func TestServeExitCodes(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	digest := c.Tree(t, agenttest.Entry{Name: "app.py"})
	for name, test := range map[string]struct {
		boot string
		code int
		said string
	}{
		"success":  {"", 0, "live_app ended with exit code 0"},
		"exit":     {"raise SystemExit(42)", 42, "exit code 42"},
		"killed":   {"import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137, "was killed by SIGKILL"},
		"no stdin": {"import sys; raise SystemExit(len(sys.stdin.read()))", 0, ""},
	} {
		m.Boot(t, test.boot)
		p := testbed.Start(t, m.Agent(t, c, "serve", digest, "--function=live_app", "--file=app.py"))
		if code := p.Wait(t); code != test.code || !strings.Contains(p.Said.String(), test.said) {
			t.Errorf("%s: exit code %d, said %s", name, code, &p.Said)
		}
	}
}

// TestServeAsInit runs the agent as Nomad does, as the first process of a
// namespace: it must reap orphans and take nobody's status for its child's.
func TestServeAsInit(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	m.Boot(t, `
import os, sys, time
read, write = os.pipe()
if os.fork() == 0:
    orphan = os.fork()
    if orphan == 0:
        os._exit(3)
    os.write(write, b"%d" % orphan)
    os._exit(0)
os.wait()
orphan = int(os.read(read, 20))
deadline = time.monotonic() + 60
while True:
    try:
        os.kill(orphan, 0)
    except ProcessLookupError:
        break
    if time.monotonic() > deadline:
        sys.exit("the orphan stays a zombie")
    time.sleep(0.01)
if os.fork() == 0:
    os.setsid()
    time.sleep(1000)
sys.exit(9 if os.getppid() == 1 else 10)
`)
	digest := c.Tree(t, agenttest.Entry{Name: "app.py"})
	cmd := m.Agent(t, c, "serve", digest, "--function=live_app", "--file=app.py")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	p := testbed.Start(t, cmd)
	if code := p.Wait(t); code != 9 {
		t.Errorf("exit code is %d; said %s", code, &p.Said)
	}
}

// TestServeStopsWhileFetching stops an agent that waits for the control plane.
func TestServeStopsWhileFetching(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	asked := make(chan bool, 100)
	c.Instead(func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, "no", http.StatusBadGateway)
		asked <- true
		return true
	})
	p := testbed.Start(t, m.Agent(t, c, "serve", "sha256:"+strings.Repeat("0", 64), "--function=live_app", "--file=app.py"))
	<-asked
	p.Signal(t, syscall.SIGTERM)
	if code := p.Wait(t); code != 128+15 || !strings.Contains(p.Said.String(), "stopped before live_app was started") {
		t.Errorf("exit code is %d; said %s", code, &p.Said)
	}
}

// TestServeDiesWithAgent kills the agent hard.
func TestServeDiesWithAgent(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	m.Boot(t, "import os, signal\nprint(os.getpid(), flush=True)\nsignal.pause()\n")
	p := testbed.Start(t, m.Agent(t, c, "serve", c.Tree(t, agenttest.Entry{Name: "app.py"}), "--function=live_app", "--file=app.py"))
	p.Line(t)
	p.Signal(t, syscall.SIGKILL)
	// The pipe ends when nobody holds it any more.
	if rest, err := io.ReadAll(p.Out); err != nil || len(rest) > 0 {
		t.Errorf("read %q, %v", rest, err)
	}
	p.Wait(t)
}

func TestRunRefuses(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	m.Write(t, m.Node+"/runtime/3.10/x", "", 0o644)
	m.Write(t, m.Node+"/runtime/3.9/x", "", 0o644)
	digest := c.Tree(t, agenttest.Entry{Name: "app.py"})
	serve := func(more ...string) *exec.Cmd {
		return m.Agent(t, c, "serve", digest, append([]string{"--function=f", "--file=app.py"}, more...)...)
	}
	other := serve()
	other = exec.Command(testbed.AgentBinary(t), other.Args[slices.Index(other.Args, "serve"):]...) // without the capabilities that only root can set
	other.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 700001, Gid: 700001}}
	purge := exec.Command(testbed.AgentBinary(t), "purge", "--uid=0", "--cache="+m.Cache)
	for want, cmd := range map[string]*exec.Cmd{
		"--uid 0 is not the id":                                                   purge,
		"must start as root to become user 700999":                                other,
		"--uid 999 is not the id of a project":                                    serve("--uid=999"),
		`--tree "sha256:../x" is not`:                                             serve("--tree=sha256:../x"),
		`--layer "../x" is not`:                                                   serve("--layer=../x"),
		`--file "../x" is not a path`:                                             serve("--file=../x"),
		`--api "file:///x" is not`:                                                serve("--api=file:///x"),
		`--python "3.11/../x" is not`:                                             serve("--python=3.11/../x"),
		"flag provided but not defined: -bogus":                                   serve("--bogus"),
		`unexpected argument "more"`:                                              serve("more"),
		"this node lacks a part of Python 3.11 (it has runtimes for: 3.9, 3.10):": serve(),
		`-file: not a path in the tree`:                                           m.Agent(t, c, "build", digest, "--layer=x", "--file=--index-url"),
	} {
		p := testbed.Start(t, cmd)
		if code := p.Wait(t); code == 0 || !strings.Contains(p.Said.String(), want) || strings.Count(p.Said.String(), "\n") > 2 {
			t.Errorf("exit code %d, want %q, said %s", code, want, &p.Said)
		}
	}
}

func residentOf(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strings.TrimSpace(value)
		}
	}
	t.Fatal("no VmRSS")
	return ""
}
