"""Run the tasks of one function for `fngen dev`, on any system.

What is said of a task, and when, is as on the platform; only the way to and fro is
another: a connection to `fngen dev`, of lines of JSON with what belongs to each behind
it. pkg/dev/tasks has the other end.
"""

from __future__ import annotations

import _thread
import asyncio
import json
import os
import queue
import signal
import socket
import threading
from typing import Any, Callable, Union

from fngen.runtime import lines
from fngen.runtime.failure import StartError, report
from fngen.runtime.work import concurrent, wire, worker
from fngen.runtime.work.start import Start
from fngen.runtime.work.worker import Function, function_of

# A task to be run, or the number of one to be ended, or None when there is no more.
Order = Union[wire.Task, int, None]


def run(tree: str, to_person: Callable[[], None]) -> int:
    """Run tasks until `fngen dev` closes the connection; return the exit code."""
    lines.install()
    address, _, token = os.environ.pop("FNGEN_DEV_TASKS").partition(" ")
    try:
        to_person()
        function = function_of(tree, os.environ)
    except StartError as failure:
        report(failure)
        return 1
    line = Line(address)
    line.send({"token": token, "async": function.is_async}, _schema(function))
    kind = AsyncWorker if function.is_async else Worker
    kind(function, line).run()
    return 0


def _schema(function: Function) -> bytes:
    return json.dumps(function.signature.schema()).encode()


class Line:
    """The connection to `fngen dev`."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")
        self._lock = threading.Lock()

    def send(self, head: dict[str, Any], body: bytes = b"") -> None:
        """Send a line with its body."""
        data = json.dumps({**head, "size": len(body)}).encode() + b"\n" + body
        with self._lock:
            self._socket.sendall(data)

    def done(self, number: int, code: int, outcome: bytes) -> None:
        """Tell what became of a task."""
        self.send({"number": number, "code": code}, outcome)

    def receive(self) -> Order:
        """Take the next order."""
        try:
            text = self._file.readline()
            if not text:
                return None
            head = json.loads(text)
            body = self._file.read(head["size"])
        except OSError:
            return None
        if head.get("end"):
            return int(head["number"])
        return wire.Task(head["number"], head["call"], head["attempt"], head["id"], body)


class Worker(worker.Worker):
    """Runs tasks one after another."""

    def __init__(self, function: Function, line: Line) -> None:
        self._function, self._line, self._start = function, line, Start()
        self._orders: queue.SimpleQueue[wire.Task | None] = queue.SimpleQueue()
        self._running = 0
        self._late: set[int] = set()

    def run(self) -> None:
        """Run tasks until the connection ends."""
        signal.signal(_WORD, self._stop)
        threading.Thread(target=self._listen, name="fngen-orders", daemon=True).start()
        while True:
            task = self._orders.get()
            if task is None:
                return
            self._one(task)

    def _listen(self) -> None:
        while True:
            order = self._line.receive()
            if isinstance(order, int):
                self._late.add(order)
                _interrupt()
                continue
            self._orders.put(order)
            if order is None:
                return

    def _note(self, task: wire.Task) -> None:
        pass  # the connection itself says which task a process was at

    def _is_late(self, number: int) -> bool:
        return number in self._late

    def _tell(self, task: wire.Task, code: int, data: bytes) -> None:
        self._late.discard(task.number)
        self._line.done(task.number, code, data)


class AsyncWorker(concurrent.AsyncWorker):
    """Runs tasks beside each other."""

    def __init__(self, function: Function, line: Line) -> None:
        self._function, self._line, self._start = function, line, Start()
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._late: set[int] = set()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        over = loop.create_future()
        threading.Thread(
            target=self._listen, args=(loop, over), name="fngen-orders", daemon=True
        ).start()
        await over

    def _listen(self, loop: asyncio.AbstractEventLoop, over: asyncio.Future[None]) -> None:
        while True:
            order = self._line.receive()
            if order is None:
                loop.call_soon_threadsafe(over.set_result, None)
                return
            if isinstance(order, int):
                loop.call_soon_threadsafe(self._end, order)
            else:
                loop.call_soon_threadsafe(self._begin, order, 0)

    def _end(self, number: int) -> None:
        self._late.add(number)
        self._stop()

    def _is_late(self, number: int) -> bool:
        return number in self._late

    def _tell(self, task: wire.Task, place: int, code: int, data: bytes) -> None:
        self._late.discard(task.number)
        self._line.done(task.number, code, data)


# Windows has one signal that a program can send to itself.
_WORD = getattr(signal, "SIGUSR1", signal.SIGINT)


def _interrupt() -> None:
    """Have the handler run in the main thread, also where it waits for something."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, _WORD)
    else:
        _thread.interrupt_main()
