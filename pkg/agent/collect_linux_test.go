package agent

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/agent/agenttest"
	"fngen.dev/fngen/pkg/agent/archive"
	"fngen.dev/fngen/pkg/agent/cache"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/testbed"
)

const staticPath = "/v1/agent/layers/0123456789abcdef"

func collectStatic(t *testing.T, m *testbed.Machine, c *testbed.ControlPlane, digest string, more ...string) *testbed.Process {
	t.Helper()
	cmd := m.Agent(t, c, "collect", digest, append([]string{
		"--function=live_app", "--power=webapp", "--file=app.py", "--settings=mysite.settings", "--static=0123456789abcdef",
	}, more...)...)
	cmd.Env = []string{"NOMAD_TOKEN=canary", "PRESET_SECRET_KEY=mine", "SECRET_FILE=" + m.Identity, "OTHER_CACHE=" + m.Cache + "/700998"}
	return testbed.Start(t, cmd)
}

// TestCollect collects as the project's user, stores the result, and brings it to a
// node on which the function serves it.
func TestCollect(t *testing.T) {
	c := testbed.NewControlPlane(t)
	c.Instead(testbed.Dated)
	m := testbed.NewMachine(t, c)
	if _, err := cache.Open(m.Cache, testbed.UID-1, console.Logger{W: io.Discard}); err != nil {
		t.Fatal(err)
	}
	m.Boot(t, `
import os, sys
action, settings, into = sys.argv[1:]
assert (action, settings) == ("collect", "mysite.settings"), sys.argv
os.makedirs(into + "/css")
open(into + "/css/site.css", "w").write("body {}")
os.chmod(into + "/css/site.css", 0o6777)
open(into + "/staticfiles.json", "w").write("{}")
`+reporter[:strings.Index(reporter, "while True:")])
	digest := c.Tree(t, agenttest.Entry{Name: "app.py"})
	p := collectStatic(t, m, c, digest, "--placeholder=DJANGO_SECRET_KEY", "--placeholder=PRESET_SECRET_KEY")
	var r report
	if err := json.Unmarshal(p.Line(t), &r); err != nil {
		t.Fatal(err)
	}
	if code := p.Wait(t); code != 0 || p.Said.Len() > 0 {
		t.Fatalf("exit code is %d; said %s", code, &p.Said)
	}
	for _, id := range append(r.IDs, r.Groups...) {
		if id != testbed.UID {
			t.Errorf("ids %v, groups %v", r.IDs, r.Groups)
		}
	}
	for what, got := range map[string]string{
		"setuid(0)": r.Setuid, "reading the identity": r.Secret, "reading another project's cache": r.Other,
		"the agent's memory": r.ParentMemory,
	} {
		if !testbed.Refused(got) {
			t.Errorf("%s: %s", what, got)
		}
	}
	if r.WriteTree != "done" {
		t.Errorf("writing its copy of the tree: %s", r.WriteTree)
	}
	testbed.CheckPowerless(t, r.Status)
	if len(r.Env["DJANGO_SECRET_KEY"]) < 20 || r.Env["PRESET_SECRET_KEY"] != "mine" || r.Env["NOMAD_TOKEN"] != "" || r.Env["FNGEN_FUNCTION"] != "live_app" {
		t.Errorf("the environment is %v", r.Env)
	}

	m.Boot(t, `
import os
root = os.environ["FNGEN_STATIC"]
print([oct(os.stat(root + p).st_mode) + " " + str(int(os.stat(root + p).st_mtime)) for p in ("", "/css", "/css/site.css")][2], os.access(root, os.W_OK), open(root + "/css/site.css").read(), sorted(os.listdir(root)))
`)
	serve := testbed.Start(t, m.Agent(t, c, "serve", digest, "--function=live_app", "--file=app.py", "--static=0123456789abcdef"))
	want := "0o100640 " + "1772600767" + " False body {} ['css', 'staticfiles.json']\n"
	if line := string(serve.Line(t)); line != want {
		t.Errorf("got %q, want %q", line, want)
	}
	if code := serve.Wait(t); code != 0 {
		t.Errorf("exit code is %d; said %s", code, &serve.Said)
	}
	// The same files are the same bytes, whenever they were made.
	first := c.What(staticPath)
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(m.Dir+"/static/css/site.css", later, later); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(m.Dir + "/static")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var again bytes.Buffer
	if err := archive.PackLayer(root, m.Node, &again); err != nil || !bytes.Equal(first, again.Bytes()) {
		t.Errorf("the archive differs, %v", err)
	}
}

// TestCollectRefuses: what the project's code leaves is stored only when every node
// can take it.
func TestCollectRefuses(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	foreign, outside := m.Dir+"/foreign", m.Dir+"/outside"
	if err := os.Mkdir(foreign, 0o755); err != nil {
		t.Fatal(err)
	}
	m.Write(t, outside, "root's own", 0o600)
	digest := c.Tree(t, agenttest.Entry{Name: "app.py"})
	for name, test := range map[string]struct{ code, said string }{
		"its code fails":          {"print('why', file=sys.stderr); sys.exit(9)", "why\nfngen-agent: the static files cannot be collected: it ended with exit code 9"},
		"its code is killed":      {"os.kill(os.getpid(), 9)", "Python was killed by SIGKILL"},
		"a link out":              {"os.symlink('" + outside + "', into + '/x')", `"x" is not a regular file`},
		"a link to /":             {"os.symlink('/', into + '/x')", `"x" is not a regular file`},
		"a link inside":           {"open(into + '/a', 'w'); os.symlink('a', into + '/x')", `"x" is not a regular file`},
		"a FIFO":                  {"os.mkfifo(into + '/x')", "which a layer cannot hold"},
		"a socket":                {"import socket; socket.socket(socket.AF_UNIX).bind(into + '/x')", "which a layer cannot hold"},
		"no UTF-8":                {"open(os.fsencode(into) + b'/\\xff', 'w')", "not a path inside"},
		"too deep":                {"os.makedirs(into + '/d' * 70)", "deeper than 64"},
		"too large, as a hole":    {"os.truncate(os.open(into + '/x', os.O_CREAT | os.O_WRONLY), 1 << 40)", "more than 1024 MB"},
		"too many":                {"[open(into + '/%d' % i, 'w').close() for i in range(50_001)]", "more than 50000 files"},
		"the directory is a link": {"os.rmdir(into); os.symlink('" + foreign + "', into)", "cannot be collected"},
	} {
		if err := os.RemoveAll(m.Dir + "/static"); err != nil {
			t.Fatal(err)
		}
		m.Boot(t, "import os, sys\ninto = sys.argv[3]\n"+test.code+"\n")
		p := collectStatic(t, m, c, digest)
		code := p.Wait(t)
		if code != console.ExitRefused && test.said != "" || code == 0 || !strings.Contains(p.Said.String(), test.said) {
			t.Errorf("%s: exit code %d, said %s", name, code, &p.Said)
		}
		if c.What(staticPath) != nil {
			t.Errorf("%s: it was stored", name)
			c.Has(staticPath, nil)
		}
	}
	if info, err := os.Stat(foreign); err != nil || info.Mode().Perm() != 0o755 || info.Sys().(*syscall.Stat_t).Gid != 0 {
		t.Errorf("a directory of root's was given away: %v, %v", info, err)
	}
}

// TestImportRefuses holds that a job which imports task workers says so of itself, and not
// what one says that collects static files.
func TestImportRefuses(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	digest := c.Tree(t, agenttest.Entry{Name: "app.py"})
	m.Boot(t, "import sys\nassert sys.argv[1] == 'schemas', sys.argv\nprint('no licence', file=sys.stderr)\nsys.exit(9)\n")
	p := testbed.Start(t, m.Agent(t, c, "collect", digest, "--function=send", "--power=task_worker", "--file=app.py", "--worker=app.py:send", "--static=0123456789abcdef"))
	if code := p.Wait(t); code != console.ExitRefused {
		t.Errorf("exit code %d", code)
	}
	if want := "no licence\nfngen-agent: the task workers cannot be imported: it ended with exit code 9"; !strings.Contains(p.Said.String(), want) || strings.Contains(p.Said.String(), "static") {
		t.Errorf("it said %s", &p.Said)
	}
}
