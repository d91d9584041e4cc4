package build

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fngen.dev/fngen/compiler/installed"
	"fngen.dev/fngen/pkg/agent/agenttest"
	"fngen.dev/fngen/pkg/agent/archive"
	"fngen.dev/fngen/pkg/agent/cache"
	"fngen.dev/fngen/pkg/agent/confine"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/testbed"
)

// uvVersion is the one that the nodes have.
const uvVersion = "0.13.9"

// spy is the setup.py of a package that looks around while it is built.
const spy = `
import glob, json, os, resource, subprocess
from setuptools import setup

def attempt(f, *args):
    try:
        f(*args)
        return "done"
    except (OSError, subprocess.CalledProcessError) as e:
        return type(e).__name__

def status(pid):
    return dict(line.rstrip("\n").split(":\t", 1) for line in open("/proc/%d/status" % pid) if ":\t" in line)

agent = os.getppid()
while status(agent)["Uid"].split()[0] not in ("0", "65534"):  # root, whom the namespace does not know
    agent = int(status(agent)["PPid"])
root = os.path.dirname(os.environ["HOME"])
json.dump({
    "env": dict(os.environ), "ids": os.getresuid() + os.getresgid(), "groups": os.getgroups(),
    "status": status(os.getpid()),
    "setuid": attempt(os.setuid, 0), "kill": attempt(os.kill, agent, 15),
    "identity": attempt(open, root + "/secrets/nomad_fngen.jwt"),
    "settings": attempt(open, root + "/node/etc/build.env"),
    "agent": attempt(open, "/proc/%d/environ" % agent),
    "other": attempt(os.listdir, root + "/cache/700998"),
    "tree": attempt(os.listdir, root + "/cache/700999/code"),
    "logs": attempt(os.symlink, "/etc/passwd", root + "/alloc/logs/build.stdout.1"),
    "unshare": attempt(os.unshare, os.CLONE_NEWUSER) if hasattr(os, "unshare") else attempt(subprocess.check_call, ["unshare", "--user", "true"]),
    "tasks": resource.getrlimit(resource.RLIMIT_NPROC)[1],
    "lock": attempt(open, root + "/cache/700999/locks/x", "w"),
}, open(os.environ["HOME"] + "/report.json", "w"))
layer = glob.glob(root + "/cache/700999/layers/*")[0]
open(layer + "/.complete", "w").close()
attempt(os.symlink, "/etc/passwd", layer + "/.fngen-modules")
setup(name="spy", version="1.0", py_modules=[])
`

func TestBuild(t *testing.T) {
	t.Parallel()
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	installUV(t, m)
	m.Write(t, m.Node+"/runtime/3.11/served.py", "", 0o644)
	m.Write(t, m.Node+"/wheels/spy-1.0.tar.gz", sourceDistribution(t, "spy", spy), 0o644)
	if _, err := cache.Open(m.Cache, testbed.UID-1, console.Logger{W: &bytes.Buffer{}}); err != nil {
		t.Fatal(err)
	}
	digest := c.Tree(t,
		agenttest.Entry{Name: "app.py"},
		agenttest.Entry{Name: "deps/requirements.txt", Content: "-r more.txt\n"},
		agenttest.Entry{Name: "deps/more.txt", Content: "six>=1.16\n"},
		agenttest.Entry{Name: "uv.toml", Content: "index-url = \"http://127.0.0.1:1/\"\n"})
	build := func() *testbed.Process {
		cmd := m.Agent(t, c, "build", digest, "--layer=k1", "--file=deps/requirements.txt", "--provided=spy==1.0")
		cmd.Env = append(cmd.Env, "NOMAD_TOKEN=canary", "VAULT_TOKEN=canary", "UV_INDEX_URL=http://127.0.0.1:1/")
		p := testbed.Start(t, cmd)
		if code := p.Wait(t); code != 0 {
			t.Fatalf("exit code is %d; said %s", code, &p.Said)
		}
		return p
	}
	p := build()
	if said := p.Said.String(); !strings.Contains(said, "\n + six==1.") || strings.Contains(said, "\x1b") {
		t.Errorf("said %q", said)
	}
	checkSpy(t, m)
	checkOwners(t, m.Cache+"/700999/layers/k1")
	list, err := os.ReadFile(m.Cache + "/700999/layers/k1/" + installed.File)
	if err != nil || string(list) != "fngen modules 1\nfngen\nserved\nsix\n" {
		t.Errorf("the modules of the layer are %q, %v", list, err)
	}

	c.Has("/v1/agent/layers/k1", nil)
	if said := build().Said.String(); strings.Contains(said, "six") || c.What("/v1/agent/layers/k1") == nil {
		t.Errorf("a layer that is in the cache was not stored as it is; said %s", said)
	}
	puts := c.Count("PUT /v1/agent/layers/k1")
	if build(); c.Count("PUT /v1/agent/layers/k1") != puts {
		t.Error("a layer that the control plane has was stored again")
	}
	serveLayer(t, m, c, digest)
}

// checkSpy reads what a package saw while it was built.
func checkSpy(t *testing.T, m *testbed.Machine) {
	t.Helper()
	text, err := os.ReadFile(m.Home + "/report.json")
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Env                                                                       map[string]string
		IDs                                                                       []int `json:"ids"`
		Groups                                                                    []int
		Status                                                                    map[string]string
		Setuid, Kill, Identity, Settings, Agent, Other, Tree, Lock, Logs, Unshare string
		Tasks                                                                     int
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	for what, got := range map[string]string{
		"setuid(0)": r.Setuid, "signalling the agent": r.Kill, "reading the identity": r.Identity, "reading the build settings": r.Settings,
		"reading the agent's environment": r.Agent, "reading another project's cache": r.Other, "reading trees of the cache": r.Tree,
		"making a lock": r.Lock, "putting a link among the logs": r.Logs,
	} {
		if !testbed.Refused(got) {
			t.Errorf("%s: %s", what, got)
		}
	}
	for _, id := range append(r.IDs, r.Groups...) {
		if id != testbed.UID || len(r.Groups) != 1 {
			t.Errorf("ids %v, groups %v", r.IDs, r.Groups)
		}
	}
	if r.Unshare == "done" || r.Tasks != confine.MaxTasks {
		t.Errorf("making a user namespace: %s; it may have %d processes", r.Unshare, r.Tasks)
	}
	testbed.CheckPowerless(t, r.Status)
	if strings.Contains(string(text), "canary") {
		t.Error("a token of the task came through")
	}
	if r.Env["SETTING"] != "of the platform" {
		t.Error("a setting of build.env did not come through")
	}
}

// checkOwners wants a layer that its project can read and only root write.
func checkOwners(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		if st.Uid != 0 || st.Gid != testbed.UID || (info.Mode().Type() != fs.ModeSymlink && info.Mode()&0o027 != 0) {
			t.Errorf("%s is %v of %d:%d", path, info.Mode(), st.Uid, st.Gid)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// serveLayer fetches the layer as another node would, and uses it.
func serveLayer(t *testing.T, m *testbed.Machine, c *testbed.ControlPlane, digest string) {
	t.Helper()
	info, err := os.Stat(m.Cache + "/700999/layers/k1/" + archive.CompleteMarker)
	if err != nil {
		t.Fatal(err)
	}
	for time.Now().Unix() == info.ModTime().Unix() { // byte code knows times to the second
		time.Sleep(10 * time.Millisecond)
	}
	if err := os.RemoveAll(m.Cache + "/700999/layers/k1"); err != nil {
		t.Fatal(err)
	}
	m.Boot(t, `
import json, os, sys, six
print(json.dumps([six.__file__, os.environ["VIRTUAL_ENV"], sys.prefix, os.environ["PATH"].split(":")[0], sys.version_info[1]]), flush=True)
os.execvp("python", ["python", "-v", "-c", "import six"])
`)
	p := testbed.Start(t, m.Agent(t, c, "serve", digest, "--function=live_app", "--file=app.py", "--layer=k1"))
	var saw []any
	if err := json.Unmarshal(p.Line(t), &saw); err != nil {
		t.Fatal(err)
	}
	layer := m.Cache + "/700999/layers/k1"
	for i, want := range []any{layer + "/lib/python3.11/site-packages/six.py", layer, layer, layer + "/bin", 11.0} {
		if saw[i] != want {
			t.Errorf("saw %v, want %v", saw[i], want)
		}
	}
	// Python prints this when it takes byte code instead of compiling.
	if code := p.Wait(t); code != 0 || !strings.Contains(p.Said.String(), "code object from '"+layer+"/lib/python3.11/site-packages/__pycache__/six.") {
		t.Errorf("exit code %d; the layer's byte code is not used", code)
	}
	if n := c.Count("GET /v1/agent/layers/k1"); n != 1 {
		t.Errorf("the layer was fetched %d times", n)
	}
}
