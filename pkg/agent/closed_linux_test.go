package agent

import (
	"bufio"
	"encoding/json"
	"io"
	"syscall"
	"testing"

	"fngen.dev/fngen/pkg/agent/agenttest"
	"fngen.dev/fngen/pkg/agent/confine"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/program"
	"fngen.dev/fngen/pkg/agent/testbed"
)

// intruder tries to get into what is Nomad's, at once and whenever it is told to.
const intruder = `
import json, os, sys

def attempt(f, *args):
    try:
        f(*args)
        return "done"
    except OSError as e:
        return type(e).__name__

root = os.path.dirname(os.environ["HOME"])
def everything():
    tried = {}
    for n, dir in enumerate(("alloc", "alloc/logs", "alloc/data", "alloc/tmp", "private", "secrets")):
        path = root + "/" + dir
        tried["list " + dir] = attempt(os.listdir, path)
        tried["link in " + dir] = attempt(os.symlink, "/etc/passwd", path + "/app.stdout.%d" % n)
        tried["pipe in " + dir] = attempt(os.mkfifo, path + "/pipe")
        tried["rename " + dir] = attempt(os.rename, path, path + ".mine")
        tried["chmod " + dir] = attempt(os.chmod, path, 0o777)
    tried["read the identity"] = attempt(open, root + "/secrets/nomad_fngen.jwt")
    tried["replace the identity"] = attempt(os.unlink, root + "/secrets/nomad_fngen.jwt")
    tried["put a file beside them"] = attempt(open, root + "/mine", "w")
    tried["replace the home"] = attempt(os.rename, os.environ["HOME"], root + "/alloc/data/home")
    return tried

wait = os.open(os.environ["WAIT"], os.O_RDONLY)
while True:
    print(json.dumps(everything()), flush=True)
    if not os.read(wait, 1):
        break
`

// TestTaskIsClosed holds that nothing of the project's gets into what is between
// Nomad and the agent, also after Nomad has opened it again.
func TestTaskIsClosed(t *testing.T) {
	modes(t, func(t *testing.T, flags ...string) {
		c := testbed.NewControlPlane(t)
		m := testbed.NewMachine(t, c)
		m.Boot(t, intruder)
		wait := m.Dir + "/wait"
		if err := syscall.Mkfifo(wait, 0o644); err != nil {
			t.Fatal(err)
		}
		digest := c.Tree(t, agenttest.Entry{Name: "app.py"})
		cmd := m.Agent(t, c, "serve", digest, append(flags, "--function=live_app", "--file=app.py")...)
		cmd.Env = append(cmd.Env, "WAIT="+wait)
		p := testbed.Start(t, cmd)
		tell := openPipe(t, wait)
		checkClosed(t, m, p, "before")
		m.Lay(t)
		if _, err := tell.WriteString("x"); err != nil {
			t.Fatal(err)
		}
		checkClosed(t, m, p, "after Nomad's client has started again")
		tell.Close()
		if code := p.Wait(t); code != 0 {
			t.Errorf("exit code is %d; said %s", code, &p.Said)
		}
	})
}

func checkClosed(t *testing.T, m *testbed.Machine, p *testbed.Process, when string) {
	t.Helper()
	var tried map[string]string
	if err := json.Unmarshal(p.Line(t), &tried); err != nil {
		t.Fatal(err)
	}
	for what, got := range tried {
		if !testbed.Refused(got) {
			t.Errorf("%s: %s: %s", when, what, got)
		}
	}
}

// prober tries the calls that no program needs, and how much it gets.
const prober = `
import ctypes, json, os, resource, signal, threading, time
libc = ctypes.CDLL(None, use_errno=True)

def call(number, *args):
    ctypes.set_errno(0)
    result = libc.syscall(number, *args)
    if result >= 0 and number == 56:
        if result == 0:
            os._exit(0)
        os.waitpid(result, 0)
    return os.strerror(ctypes.get_errno()) if result < 0 else "done"

CHILD = signal.SIGCHLD
calls = {  # numbers of amd64
    "clone a user namespace": call(56, 0x10000000 | CHILD, 0, 0, 0, 0),
    "clone a network namespace": call(56, 0x40000000 | CHILD, 0, 0, 0, 0),
    "unshare a user namespace": call(272, 0x10000000),
    "unshare mounts": call(272, 0x20000),
    "mount": call(165, b"none", b"/tmp", b"tmpfs", 0, 0), "fsopen": call(430, b"tmpfs", 0), "open_tree": call(428, -100, b"/tmp", 1),
    "chroot": call(161, b"/tmp"), "setns": call(308, 0, 0), "keyctl": call(250, 0, -3, 1), "add_key": call(248, b"user", b"mine", b"x", 1, -3),
    "bpf": call(321, 0, 0, 0), "perf_event_open": call(298, 0, 0, 0, 0, 0), "userfaultfd": call(323, 1), "io_uring_setup": call(425, 1, 0),
    "kexec_load": call(246, 0, 0, 0, 0), "init_module": call(175, 0, 0, b""), "x32": call(0x40000000 | 39), "syslog": call(103, 3, 0, 0),
}
fine = {"getpid": call(39), "unshare of files": call(272, 0x400), "fork": call(56, CHILD, 0, 0, 0, 0), "clone3": call(435, 0, 0)}
thread = threading.Thread(target=lambda: None)
thread.start()
thread.join()
limits = {name: resource.getrlimit(getattr(resource, "RLIMIT_" + name)) for name in ("NPROC", "NOFILE", "CORE", "FSIZE")}

children, error = [], ""
if os.environ.get("BOMB"):
    while len(children) < 2500:
        try:
            pid = os.fork()
        except OSError as e:
            error = type(e).__name__
            break
        if pid == 0:
            signal.pause()
        children.append(pid)
print(json.dumps({"calls": calls, "fine": fine, "limits": limits, "forks": len(children), "error": error}), flush=True)
signal.pause()
`

// TestLimits holds what a program may not call, and how much it may have.
func TestLimits(t *testing.T) {
	modes(t, func(t *testing.T, flags ...string) {
		c := testbed.NewControlPlane(t)
		m := testbed.NewMachine(t, c)
		m.Boot(t, prober)
		digest := c.Tree(t, agenttest.Entry{Name: "app.py"})
		cmd := m.Agent(t, c, "serve", digest, append(flags, "--function=live_app", "--file=app.py", "--disk=1")...)
		bomb := len(flags) == 0 // else it is counted with all else of this user
		if bomb {
			cmd.Env = append(cmd.Env, "BOMB=1")
		}
		p := testbed.Start(t, cmd)
		var r struct {
			Calls, Fine map[string]string
			Limits      map[string][2]int64
			Forks       int
			Error       string
		}
		if err := json.Unmarshal(p.Line(t), &r); err != nil {
			t.Fatal(err)
		}
		for what, got := range r.Calls {
			if got != "Operation not permitted" {
				t.Errorf("%s: %s", what, got)
			}
		}
		if r.Fine["clone3"] != "Function not implemented" {
			t.Errorf("clone3: %s", r.Fine["clone3"])
		}
		for _, what := range []string{"getpid", "unshare of files", "fork"} {
			if r.Fine[what] != "done" {
				t.Errorf("%s: %s", what, r.Fine[what])
			}
		}
		for name, want := range map[string]int64{"NPROC": confine.MaxTasks, "CORE": 0, "FSIZE": 1e9} {
			if r.Limits[name] != [2]int64{want, want} {
				t.Errorf("the limit %s is %v", name, r.Limits[name])
			}
		}
		if most := r.Limits["NOFILE"]; most[1] > confine.MaxOpen || most[0] != most[1] {
			t.Errorf("the limit of open files is %v", most)
		}
		if !bomb {
			p.Signal(t, syscall.SIGTERM)
			p.Wait(t)
			return
		}
		if r.Forks == 0 || r.Forks >= confine.MaxTasks || r.Error != "BlockingIOError" {
			t.Errorf("it could fork %d times: %s", r.Forks, r.Error)
		}
		checkTasksSaid(t)
		p.Signal(t, syscall.SIGTERM)
		p.Wait(t)
	})
}

// checkTasksSaid wants it to be told that there are as many tasks as there may be.
func checkTasksSaid(t *testing.T) {
	t.Helper()
	r, w := io.Pipe()
	done := make(chan struct{})
	defer close(done)
	defer r.Close()
	go (&program.Threads{UID: testbed.UID, Log: console.Logger{W: w}}).Watch(done)
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil || line != "fngen-agent: it has 1024 processes and threads, as many as it may: no more can be started\n" {
		t.Errorf("said %q, %v", line, err)
	}
}

// TestAccessList holds the form against what the kernel makes of it.
func TestAccessList(t *testing.T) {
	list := confine.AccessList(700999, 0o750, 0o5)
	want := "\x02\x00\x00\x00" + "\x01\x00\x07\x00\xff\xff\xff\xff" + "\x02\x00\x05\x00\x47\xb2\x0a\x00" + "\x04\x00\x05\x00\xff\xff\xff\xff" +
		"\x10\x00\x05\x00\xff\xff\xff\xff" + "\x20\x00\x00\x00\xff\xff\xff\xff"
	if string(list) != want {
		t.Errorf("%q", list)
	}
}
