"""The first process: imports the code once, and starts a worker whenever the agent asks."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import random
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Callable

from fngen.runtime import lines
from fngen.runtime.failure import StartError, report
from fngen.runtime.work import page, wire
from fngen.runtime.work.concurrent import AsyncWorker
from fngen.runtime.work.page import Page
from fngen.runtime.work.worker import Function, Worker, function_of

_CONTROL, _CHILD = "FNGEN_WORK", "FNGEN_WORK_CHILD"
_PR_SET_PDEATHSIG = 1


def run(tree: str, to_person: Callable[[], None]) -> int:
    """Serve the agent until it closes the socket; return the exit code."""
    lines.install()
    env = os.environ
    child, control = env.pop(_CHILD, ""), env.pop(_CONTROL, "")
    try:
        to_person()
        function = function_of(tree, env)
    except StartError as failure:
        report(failure)
        return 1
    if child:
        sock, fd = (int(number) for number in child.split(","))
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        return _work(function, socket.socket(fileno=sock), fd)
    return Zygote(function, socket.socket(fileno=int(control)), env).serve()


def _work(function: Function, sock: socket.socket, fd: int) -> int:
    random.seed()
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("800")  # the kernel is to end a worker, and not the agent
    kind = AsyncWorker if function.is_async else Worker
    kind(function, sock, Page(fd)).run()
    return 0


class Zygote:
    """Starts workers, tells of their ends, and passes signals on to them."""

    def __init__(self, function: Function, control: socket.socket, env: Mapping[str, str]) -> None:
        self._function, self._control = function, control
        self._places = int(env.get("FNGEN_CONCURRENCY", "1")) if function.is_async else 1
        self._workers: dict[int, Any] = {}
        self._why = _unsafe()
        # Found before the fork: afterwards there should be as little to do as possible.
        self._prctl = ctypes.CDLL(None).prctl
        self._selector = selectors.DefaultSelector()

    def serve(self) -> int:
        """Do what the agent says until it is gone; all workers end with the zygote."""
        gc.collect()
        gc.freeze()
        wake, self._wake = socket.socketpair()
        wake.setblocking(False)
        self._wake.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        # Meant for a worker's task, it may come before the worker listens.
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        self._wakes = wake
        self._selector.register(self._control, selectors.EVENT_READ, self._order)
        self._selector.register(wake, selectors.EVENT_READ, self._woken)
        self._say({"op": "ready", "async": self._function.is_async, "spawn": self._why})
        while self._control.fileno() >= 0:
            for key, _ in self._selector.select():
                key.data()
        return 0

    def _order(self) -> None:
        data = self._control.recv(4096)
        if not data:
            self._selector.unregister(self._control)
            for pid in list(self._workers):
                _signal(pid, signal.SIGKILL)
            self._control.close()
            return
        order = json.loads(data)
        if order["op"] == "start":
            self._start()
        elif order["op"] == "signal" and order["pid"] in self._workers:
            _signal(order["pid"], order["signal"], whole=order.get("group", False))

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        fd = page.make(self._places)
        try:
            pid = self._spawn(theirs, fd) if self._why else self._fork(theirs, ours, fd)
            # The agent has both ends: what is still in the socket it can take back.
            said = json.dumps({"op": "worker", "pid": pid}).encode()
            wire.send_files(self._control, said, [ours.fileno(), theirs.fileno(), fd])
        finally:
            ours.close()
            theirs.close()
            os.close(fd)

    def _fork(self, theirs: socket.socket, ours: socket.socket, fd: int) -> int:
        parent = os.getpid()
        pid = os.fork()
        if pid:
            self._workers[pid] = None
            return pid
        code = 1
        try:
            self._prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() == parent:
                self._leave(ours)
                code = _work(self._function, theirs, fd)
        except BaseException as error:
            sys.excepthook(type(error), error, error.__traceback__)
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _leave(self, ours: socket.socket) -> None:
        """Be a process of one's own: nothing of the zygote's is left."""
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for one in (self._control, self._wake, self._wakes, ours):
            one.close()

    def _spawn(self, theirs: socket.socket, fd: int) -> int:
        env = {**os.environ, _CHILD: f"{theirs.fileno()},{fd}"}
        boot = os.path.join(os.path.dirname(os.path.dirname(__file__)), "boot.py")
        keep = [theirs.fileno(), fd]
        if lines.installed():
            keep.append(lines.copy())
            env["FNGEN_LINES"] = str(keep[-1])
        process = subprocess.Popen(
            [sys.executable, "-u", boot],
            env=env,
            stdin=subprocess.DEVNULL,
            pass_fds=keep,
            start_new_session=True,
        )
        for copied in keep[2:]:
            os.close(copied)
        self._workers[process.pid] = process
        return process.pid

    def _woken(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wakes.recv(4096)
        for pid in list(self._workers):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                del self._workers[pid]
                self._say({"op": "exit", "pid": pid, "status": status})

    def _say(self, what: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._control.send(json.dumps(what).encode())


def _signal(pid: int, number: int, whole: bool = True) -> None:
    """Signal a worker that has not been waited for, so that its id is still its own."""
    send = os.killpg if whole else os.kill
    try:
        send(pid, number)
    except ProcessLookupError:
        # It has no group of its own yet.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _unsafe() -> str:
    """Say why a fork would not be safe now; empty when it is."""
    count = len(os.listdir("/proc/self/task"))
    if count > 1:
        return f"importing the code has started {count - 1} thread{'s' * (count > 2)}"
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    if cuda is not None and cuda.is_initialized():
        return "importing the code has initialised CUDA"
    return ""
