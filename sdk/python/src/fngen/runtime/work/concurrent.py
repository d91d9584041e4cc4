"""One worker of an async function: many tasks at once, on one event loop."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from typing import Any

from fngen.runtime import context
from fngen.runtime.bind import Refused
from fngen.runtime.work import outcome, wire
from fngen.runtime.work.outcome import Outcome
from fngen.runtime.work.page import Page
from fngen.runtime.work.start import Start
from fngen.runtime.work.worker import Function, _said


class AsyncWorker:
    """A process that runs tasks beside each other."""

    def __init__(self, function: Function, sock: socket.socket, page: Page) -> None:
        self._function, self._socket, self._page = function, sock, page
        self._memory = outcome.Memory()
        self._free = list(range(page.places))
        self._begun = [0] * page.places
        self._start = Start()
        # What runs the function, by the number of the task, and who is to hold on to it.
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._reading = False

    def run(self) -> None:
        """Run tasks until the agent closes the socket."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = self._loop.create_future()
        self._loop.add_signal_handler(signal.SIGUSR1, self._stop)
        self._read(True)
        await self._over
        self._read(False)

    def _read(self, reading: bool) -> None:
        """Listen to the socket, or leave what is there to whoever has a place for it."""
        if reading and not self._reading:
            self._loop.add_reader(self._socket.fileno(), self._take)
        elif self._reading and not reading:
            self._loop.remove_reader(self._socket.fileno())
        self._reading = reading

    def _take(self) -> None:
        """Take as many tasks as there are places; with nothing more to come, be over."""
        while self._free and not self._over.done():
            try:
                task = wire.receive(self._socket, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except Exception as error:
                self._over.set_exception(error)
                return
            if task is None:
                self._over.set_result(None)
                return
            place = self._free.pop()
            self._begun[place] = time.perf_counter_ns()
            self._page.start(place, task.number)
            self._begin(task, place)
        self._read(bool(self._free))

    def _begin(self, task: wire.Task, place: int) -> None:
        one = asyncio.ensure_future(self._one(task, place))
        self._tasks.add(one)
        one.add_done_callback(self._tasks.discard)

    def _is_late(self, number: int) -> bool:
        return self._page.cancelled(number)

    def _stop(self) -> None:
        for number, call in self._calls.items():
            if self._is_late(number):
                call.cancel()

    async def _one(self, task: wire.Task, place: int) -> None:
        # A task of asyncio has a context of its own.
        context.task_id.set(task.id)
        code, data = await self._outcome(task)
        self._calls.pop(task.number, None)
        if code in (wire.RAISED, wire.TIMEOUT, wire.EXITED):
            outcome.tell(_said(data))
        outcome.end_lines()
        self._tell(task, place, code, data)

    def _tell(self, task: wire.Task, place: int, code: int, data: bytes) -> None:
        self._page.finish(place, task.number, code == wire.WELL)
        wire.send(self._socket, task.number, code, self._memory.kib(), self._begun[place], data)
        self._free.append(place)
        if not self._over.done():
            self._read(True)

    async def _outcome(self, task: wire.Task) -> Outcome:
        try:
            args, keywords = self._function.arguments(task)
        except Refused as refused:
            return outcome.of_refusal(refused)
        if self._is_late(task.number):  # before it has begun
            return outcome.of_error(self._function.late())
        try:
            # A task of its own: what is cancelled is the function, never what tells of it.
            call = asyncio.ensure_future(self._call(args, keywords))
            self._calls[task.number] = call
            return outcome.of_value(await call)
        except asyncio.CancelledError as error:
            late = self._is_late(task.number)
            return outcome.of_error(self._function.late() if late else error)
        except BaseException as error:
            return outcome.of_error(error)

    async def _call(self, args: list[Any], keywords: dict[str, Any]) -> Any:
        await self._start.run_async()
        return await self._function.call(*args, **keywords)
