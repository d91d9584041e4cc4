package agent

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"fngen.dev/fngen/pkg/agent/agenttest"
	"fngen.dev/fngen/pkg/agent/archive"
	"fngen.dev/fngen/pkg/agent/confine"
	"fngen.dev/fngen/pkg/agent/testbed"
)

// modes are the two ways in which a program gets a copy of its own. A kernel
// without overlays in user namespaces has only one.
func modes(t *testing.T, test func(t *testing.T, flags ...string)) {
	t.Run("overlay", func(t *testing.T) {
		out, err := exec.Command("unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
			"mount -t tmpfs none /mnt && mkdir /mnt/u /mnt/w && mount -t overlay -o userxattr,lowerdir=/usr,upperdir=/mnt/u,workdir=/mnt/w none /mnt").CombinedOutput()
		if err != nil {
			t.Skipf("this kernel mounts no overlay in a user namespace: %v: %s", err, out)
		}
		test(t)
	})
	t.Run("copy", func(t *testing.T) { test(t, "--copy") })
}

// writer does at its start what applications do in the directory of their code.
const writer = `
import json, os, shutil, sqlite3, stat, sys, traceback

def attempt(f, *args):
    try:
        f(*args)
        return "done"
    except Exception as e:
        return repr(e)

def write(path, text, mode="w"):
    with open(path, mode) as f:
        f.write(text)

def database():
    db = sqlite3.connect("data/app.db")
    db.execute("pragma journal_mode = wal")
    db.execute("create table visits (n integer)")
    db.execute("insert into visits values (1)")
    db.commit()
    return db.execute("select count(*) from visits").fetchone()[0]

sys.path.insert(0, os.getcwd())
before = sorted(os.path.join(d, f)[2:] for d, _, files in os.walk(".") for f in files)
report = {
    "cwd": os.getcwd(), "before": before, "text": open("app.py").read(),
    "mkdir": attempt(os.mkdir, "logs"), "makedirs": attempt(os.makedirs, "instance/uploads"),
    "new": attempt(write, "instance/uploads/a.txt", "x" * 100_000), "append": attempt(write, "app.py", "# more\n", "a"),
    "replace": attempt(os.replace, "pkg/config.txt", "pkg/other.txt"), "remove": attempt(os.remove, "pkg/__init__.py"),
    "database": attempt(database), "link": attempt(os.symlink, "app.py", "link.py"), "hard": attempt(os.link, "app.py", "hard.py"),
    "chmod": attempt(os.chmod, "bin/run", 0o700), "rmtree": attempt(shutil.rmtree, "old"), "move": attempt(shutil.move, "static", "public"),
    "import": attempt(__import__, "mod"), "run": attempt(os.execv, "/nonexistent", ["x"]),
    "owner": [os.stat(p).st_uid for p in (".", "app.py", "logs", "pkg")], "modes": [stat.filemode(os.stat(p).st_mode) for p in ("app.py", "bin/run")],
    "bytecode": os.path.exists("__pycache__"), "mounts": open("/proc/self/mountinfo").read(),
    "parent": [line.split()[1:] for line in open("/proc/%d/status" % os.getppid()) if line.startswith(("Uid", "Gid"))],
    "status": dict(line.rstrip("\n").split(":\t", 1) for line in open("/proc/self/status") if ":\t" in line),
    "fds": [os.readlink("/proc/self/fd/" + n) for n in os.listdir("/proc/self/fd") if os.path.islink("/proc/self/fd/" + n)],
    "environ": open("/proc/self/environ").read().split("\0"),
}
try:
    import fails
except ZeroDivisionError:
    report["traceback"] = traceback.format_exc()
print(json.dumps(report), flush=True)
`

var ownFiles = []agenttest.Entry{
	{Name: "app.py", Content: "x = 1\n"},
	{Name: "bin/run", Content: "#!/bin/sh\n", Mode: 0o755},
	{Name: "data/.keep"},
	{Name: "fails.py", Content: "1 / 0\n"},
	{Name: "mod.py", Content: "y = 2\n"},
	{Name: "old/a"},
	{Name: "old/b/c"},
	{Name: "pkg/__init__.py"},
	{Name: "pkg/config.txt", Content: "a"},
	{Name: "static/site.css", Content: "body {}"},
}

// TestOwnTree lets a program do to its code whatever it likes, and wants the next
// one to see nothing of it.
func TestOwnTree(t *testing.T) {
	modes(t, func(t *testing.T, flags ...string) {
		c := testbed.NewControlPlane(t)
		m := testbed.NewMachine(t, c)
		m.Boot(t, writer)
		digest := c.Tree(t, ownFiles...)
		var files []string
		for _, f := range ownFiles {
			files = append(files, f.Name)
		}
		for range 2 {
			p := testbed.Start(t, m.Agent(t, c, "serve", digest, append(flags, "--function=live_app", "--file=app.py")...))
			var r struct {
				Cwd, Text, Traceback, Mounts string
				Before, Modes, FDs, Environ  []string
				Owner                        []int
				Bytecode                     bool
				Parent                       [][]string
				Status                       map[string]string
				Mkdir, Makedirs, New, Append, Replace, Remove, Database, Link, Hard, Chmod, Rmtree, Move, Import,
				Run string
			}
			if err := json.Unmarshal(p.Line(t), &r); err != nil {
				t.Fatal(err)
			}
			if code := p.Wait(t); code != 0 {
				t.Errorf("exit code is %d; said %s", code, &p.Said)
			}
			if said := p.Said.String(); strings.Contains(said, "copied") != (len(flags) > 0) {
				t.Errorf("said %s", said)
			}
			if r.Cwd != m.App || !slices.Equal(r.Before, files) || r.Text != "x = 1\n" {
				t.Errorf("began in %s with %v; app.py is %q", r.Cwd, r.Before, r.Text)
			}
			for what, got := range map[string]string{
				"mkdir": r.Mkdir, "makedirs": r.Makedirs, "a new file": r.New, "appending": r.Append, "replacing": r.Replace, "removing": r.Remove,
				"a database": r.Database, "a link": r.Link, "a hard link": r.Hard, "chmod": r.Chmod, "rmtree": r.Rmtree, "moving": r.Move, "an import": r.Import,
			} {
				if got != "done" {
					t.Errorf("%s: %s", what, got)
				}
			}
			if !strings.Contains(r.Traceback, `File "`+m.App+`/fails.py", line 1`) {
				t.Errorf("the traceback is %s", r.Traceback)
			}
			if !slices.Equal(r.Owner, []int{testbed.UID, testbed.UID, testbed.UID, testbed.UID}) || !slices.Equal(r.Modes, []string{"-rw-r-----", "-rwx------"}) || !r.Bytecode {
				t.Errorf("owners %v, modes %v, byte code: %t", r.Owner, r.Modes, r.Bytecode)
			}
			agent := "65534" // as who is not known in its user namespace
			if len(flags) > 0 {
				agent = strconv.Itoa(confine.AgentUID)
			}
			for _, ids := range r.Parent {
				if !slices.Equal(ids, slices.Repeat([]string{agent}, 4)) {
					t.Errorf("the agent is %v", ids)
				}
			}
			testbed.CheckPowerless(t, r.Status)
			if hex := strings.TrimPrefix(digest, "sha256:"); strings.Contains(r.Mounts, hex) || strings.Contains(strings.Join(r.FDs, " "), hex) || strings.Contains(strings.Join(r.Environ, " "), hex) {
				t.Errorf("the cache shows:\n%s%v\n%v", r.Mounts, r.FDs, r.Environ)
			}
			if len(flags) == 0 && r.Status["CapBnd"] != "0000000000000000" {
				t.Errorf("CapBnd is %s", r.Status["CapBnd"])
			}
		}
		tree, err := archive.ManifestOf(m.Cache+"/700999/code/"+strings.TrimPrefix(digest, "sha256:"), nil)
		if err != nil || tree.Digest() != digest {
			t.Errorf("the cache has changed: %v (%v)", tree, err)
		}
	})
}

// TestOwnTreeOfEach runs two instances of one tree beside each other.
func TestOwnTreeOfEach(t *testing.T) {
	modes(t, func(t *testing.T, flags ...string) {
		c := testbed.NewControlPlane(t)
		m := testbed.NewMachine(t, c)
		m.Boot(t, `
import os, sys
try:
    os.mkdir("mine")
    print("made", flush=True)
except FileExistsError:
    print("taken", flush=True)
os.read(os.open(os.environ["WAIT"], os.O_RDONLY), 1)
`)
		wait := m.Dir + "/wait"
		if err := syscall.Mkfifo(wait, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(wait, 0o666); err != nil {
			t.Fatal(err)
		}
		digest := c.Tree(t, agenttest.Entry{Name: "app.py"})
		var both []*testbed.Process
		for _, app := range []string{"/one", "/two"} {
			cmd := m.Agent(t, c, "serve", digest, append(flags, "--function=live_app", "--file=app.py", "--app="+m.Dir+app)...)
			cmd.Env = append(cmd.Env, "WAIT="+wait)
			both = append(both, testbed.Start(t, cmd))
		}
		for _, p := range both {
			if line := string(p.Line(t)); line != "made\n" {
				t.Errorf("got %q", line)
			}
		}
		f := openPipe(t, wait)
		defer f.Close()
		if _, err := f.WriteString("xx"); err != nil {
			t.Fatal(err)
		}
		for _, p := range both {
			if code := p.Wait(t); code != 0 {
				t.Errorf("exit code is %d; said %s", code, &p.Said)
			}
		}
	})
}

func openPipe(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0) // as its own reader it waits for nobody
	if err != nil {
		t.Fatal(err)
	}
	return f
}
