"""One worker of an async function: many tasks at once, on one event loop."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from fngen.runtime import context
from fngen.runtime.bind import Refused
from fngen.runtime.work import outcome, wire
from fngen.runtime.work.outcome import Outcome
from fngen.runtime.work.page import Page
from fngen.runtime.work.worker import Function, _said


class AsyncWorker:
    """A process that runs tasks beside each other."""

    def __init__(self, function: Function, sock: socket.socket, page: Page) -> None:
        self._function, self._socket, self._page = function, sock, page
        self._memory = outcome.Memory()
        # What runs the function, and who is to hold on to it.
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._late: set[int] = set()

    def run(self) -> None:
        """Run tasks until the agent closes the socket."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        over = loop.create_future()
        loop.add_reader(self._socket.fileno(), self._take, over)
        await over
        loop.remove_reader(self._socket.fileno())

    def _take(self, over: asyncio.Future[None]) -> None:
        """Take what is there; with nothing more to come, be over."""
        while not over.done():
            try:
                packet = wire.receive(self._socket, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except Exception as error:
                over.set_exception(error)
                return
            if packet is None:
                over.set_result(None)
            elif isinstance(packet, int):
                self._stop(packet)
            else:
                self._page.start(packet.place, packet.number)
                task = asyncio.ensure_future(self._one(packet))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _stop(self, number: int) -> None:
        self._late.add(number)
        call = self._calls.get(number)
        if call is not None:
            call.cancel()

    async def _one(self, task: wire.Task) -> None:
        # A task of asyncio has a context of its own.
        context.task_id.set(task.id)
        code, data = await self._outcome(task)
        self._calls.pop(task.number, None)
        self._late.discard(task.number)
        if code in (wire.RAISED, wire.TIMEOUT, wire.EXITED):
            outcome.tell(_said(data))
        outcome.end_lines()
        self._page.finish(task.place, task.number, code == wire.WELL)
        wire.send(self._socket, task.number, code, self._memory.kib(), data)

    async def _outcome(self, task: wire.Task) -> Outcome:
        try:
            args, keywords = self._function.arguments(task)
        except Refused as refused:
            return outcome.of_refusal(refused)
        if task.number in self._late:  # before it has begun
            return outcome.of_error(self._function.late())
        try:
            # A task of its own: what is cancelled is the function, never what tells of it.
            call = asyncio.ensure_future(self._function.call(*args, **keywords))
            self._calls[task.number] = call
            return outcome.of_value(await call)
        except asyncio.CancelledError as error:
            late = task.number in self._late
            return outcome.of_error(self._function.late() if late else error)
        except BaseException as error:
            return outcome.of_error(error)
