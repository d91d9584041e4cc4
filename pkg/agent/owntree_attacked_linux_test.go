package agent

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/pkg/agent/agenttest"
	"fngen.dev/fngen/pkg/agent/archive"
	"fngen.dev/fngen/pkg/agent/testbed"
)

// attacker is a function that tries to get at what its copy is made of. With
// "nested" it does so as root of a user namespace that it makes itself.
const attacker = `
import ctypes, json, os, sys

libc = ctypes.CDLL(None, use_errno=True)
cache, backing, agent = os.environ["CODE_CACHE"], os.environ["BACKING"], os.getppid()
handle, handle_type = bytes.fromhex(os.environ["HANDLE"]), int(os.environ["HANDLE_TYPE"])
results = {}

def call(name, *args):
    if getattr(libc, name)(*args) < 0:
        errno = ctypes.get_errno()
        raise OSError(errno, os.strerror(errno))

def attempt(what, f, *args):
    try:
        results[what] = "done %r" % (f(*args),)
    except OSError as e:
        results[what] = "refused %s" % e

class Handle(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_uint), ("type", ctypes.c_int), ("data", ctypes.c_ubyte * len(handle))]

def open_by_handle(at):
    h = Handle(len(handle), handle_type, (ctypes.c_ubyte * len(handle))(*handle))
    fd = libc.open_by_handle_at(at, ctypes.byref(h), os.O_RDWR)
    if fd < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return os.read(fd, 100)

def attack(who):
    attempt(who + " lists the trees of the cache", os.listdir, cache)
    attempt(who + " lists what the overlay is made of", os.listdir, backing)
    for name in ("upper", "work", "upper/app.py"):
        attempt(who + " opens " + name, os.listdir, backing + "/" + name)
        attempt(who + " puts a link in the place of " + name, os.symlink, "/etc", backing + "/" + name + "x")
    attempt(who + " opens the tree by its handle", open_by_handle, os.open("/", os.O_RDONLY))
    attempt(who + " opens the tree by its handle in the cache", open_by_handle, os.open(os.path.dirname(os.path.dirname(cache)), os.O_RDONLY))
    for link in ("root", "cwd", "ns/mnt", "ns/user", "fd"):
        attempt(who + " looks at the agent by " + link, os.listdir if link in ("root", "cwd", "fd") else os.open, "/proc/%d/%s" % (agent, link), *(() if link in ("root", "cwd", "fd") else (os.O_RDONLY,)))
    attempt(who + " takes the code's mount away", call, "umount2", b"` + "%APP%" + `", 2)
    attempt(who + " mounts over the code's place anew", call, "mount", b"none", b"` + "%APP%" + `", b"overlay", 32, b"")
    attempt(who + " makes a device", os.mknod, "disk", 0o60666, os.makedev(8, 0))

attack("the code")
if os.environ.get("NESTED"):
    uid = os.getuid()
    if libc.unshare(0x10000000 | 0x20000) == 0:
        open("/proc/self/setgroups", "w").write("deny")
        open("/proc/self/uid_map", "w").write("0 %d 1" % uid)
        open("/proc/self/gid_map", "w").write("0 %d 1" % os.getgid())
        attack("root of a namespace")
    else:
        results["the code makes a namespace"] = "refused"
print(json.dumps(results), flush=True)
`

// TestOwnTreeHolds attacks from inside. Another user's namespace of its own, which
// most kernels allow anybody, must not help.
func TestOwnTreeHolds(t *testing.T) {
	modes(t, func(t *testing.T, flags ...string) {
		c := testbed.NewControlPlane(t)
		m := testbed.NewMachine(t, c)
		digest := c.Tree(t, agenttest.Entry{Name: "app.py", Content: "secret"})
		// So that the tree is there, and has a handle.
		m.Boot(t, "")
		if code := testbed.Start(t, m.Agent(t, c, "serve", digest, "--function=live_app", "--file=app.py")).Wait(t); code != 0 {
			t.Fatalf("exit code is %d", code)
		}
		code := m.Cache + "/700999/code"
		handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, filepath.Join(code, strings.TrimPrefix(digest, "sha256:"), "app.py"), 0)
		if err != nil {
			t.Skipf("the file system gives no handles: %v", err)
		}
		m.Boot(t, strings.ReplaceAll(attacker, "%APP%", m.App))
		cmd := m.Agent(t, c, "serve", digest, append(flags, "--function=live_app", "--file=app.py")...)
		cmd.Env = append(cmd.Env, "CODE_CACHE="+code, "BACKING="+m.Dir+"/.app", "NESTED=1",
			fmt.Sprintf("HANDLE=%x", handle.Bytes()), fmt.Sprintf("HANDLE_TYPE=%d", handle.Type()))
		p := testbed.Start(t, cmd)
		var results map[string]string
		if err := json.Unmarshal(p.Line(t), &results); err != nil {
			t.Fatal(err)
		}
		p.Wait(t)
		if len(results) < 15 {
			t.Errorf("only %d attempts", len(results))
		}
		for what, got := range results {
			if !strings.HasPrefix(got, "refused") {
				t.Errorf("%s: %s", what, got)
			}
		}
		tree, err := archive.ManifestOf(filepath.Join(code, strings.TrimPrefix(digest, "sha256:")), nil)
		if err != nil || tree.Digest() != digest {
			t.Errorf("the cache has changed (%v)", err)
		}
	})
}

// TestOwnTreeAfterRubbish starts where an instance has left what is hard to remove.
func TestOwnTreeAfterRubbish(t *testing.T) {
	modes(t, func(t *testing.T, flags ...string) {
		c := testbed.NewControlPlane(t)
		m := testbed.NewMachine(t, c)
		m.Boot(t, `
import os
print(sorted(os.listdir(".")), flush=True)
os.makedirs("a/b")
open("a/b/c", "w").close()
os.chmod("a/b", 0)
os.chmod("a", 0)
os.chmod("app.py", 0)
os.chmod(".", 0o700)
for i in range(2000):
    open("f%d" % i, "w").close()
deep = "d"
for i in range(100):
    os.mkdir(deep)
    deep += "/d"
os.symlink("/etc", "etc")
`)
		digest := c.Tree(t, agenttest.Entry{Name: "app.py"})
		for range 2 {
			p := testbed.Start(t, m.Agent(t, c, "serve", digest, append(flags, "--function=live_app", "--file=app.py")...))
			if line := string(p.Line(t)); line != "['app.py']\n" {
				t.Errorf("got %q", line)
			}
			if code := p.Wait(t); code != 0 {
				t.Errorf("exit code is %d; said %s", code, &p.Said)
			}
		}
		if _, err := os.Stat("/etc/passwd"); err != nil {
			t.Fatal("a link was followed: ", err)
		}
	})
}

// TestOwnTreeFallsBack runs where no overlay can be: the tree's place is in a file
// system that cannot be the upper one of an overlay.
func TestOwnTreeFallsBack(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	m.Boot(t, "import os\nos.mkdir('logs')\nprint(os.getcwd(), flush=True)\n")
	lower := m.Dir + "/lower"
	for _, d := range []string{lower, m.Dir + "/u", m.Dir + "/w", m.Dir + "/task"} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mount("none", m.Dir+"/task", "overlay", 0, "lowerdir="+lower+",upperdir="+m.Dir+"/u,workdir="+m.Dir+"/w"); err != nil {
		t.Skipf("this machine mounts no overlay: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(m.Dir+"/task", unix.MNT_DETACH) })
	digest := c.Tree(t, agenttest.Entry{Name: "app.py"})
	p := testbed.Start(t, m.Agent(t, c, "serve", digest, "--function=live_app", "--file=app.py", "--app="+m.Dir+"/task/app"))
	if line := string(p.Line(t)); line != m.Dir+"/task/app\n" {
		t.Errorf("got %q", line)
	}
	code, said := p.Wait(t), p.Said.String()
	if code != 0 || strings.Count(said, "since this node has no overlay in a user namespace: mount: ") != 1 {
		t.Errorf("exit code is %d; said %s", code, said)
	}
}
