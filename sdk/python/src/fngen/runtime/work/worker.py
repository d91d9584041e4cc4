"""One worker: takes tasks out of its socket, one at a time, until the socket closes."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import socket
import time
from collections.abc import Mapping
from typing import Any, Callable

from fngen.runtime import context, load
from fngen.runtime.bind import Refused, Signature, Unbindable, decode, signature
from fngen.runtime.failure import StartError
from fngen.runtime.work import outcome, wire
from fngen.runtime.work.outcome import Outcome
from fngen.runtime.work.page import Page
from fngen.runtime.work.start import Start
from fngen.tasks import TaskContext, TaskTimeout

_OF_FUNCTION = ("PROJECT", "FUNCTION")


class Function:
    """The function of the person, with what binds payloads to it."""

    def __init__(self, call: Callable[..., Any], signature: Signature, timeout: str) -> None:
        self.call, self.signature, self.timeout = call, signature, timeout
        self.is_async = inspect.iscoroutinefunction(inspect.unwrap(call))

    def arguments(self, task: wire.Task) -> tuple[list[Any], dict[str, Any]]:
        """Bind the payload of a task, or raise Refused."""
        value = decode(task.payload)
        signature = self.signature
        made = signature.bind_call(value) if task.call else signature.bind(value)
        return signature.inject(made, self._context(task)) if signature.contexts else made

    def _context(self, task: wire.Task) -> TaskContext:
        project, function = (os.environ.get(f"FNGEN_{what}", "") for what in _OF_FUNCTION)
        release = os.environ.get("FNGEN_RELEASE", "")
        return TaskContext(
            id=task.id,
            attempt=task.attempt,
            project=project,
            function=function,
            release=int(release) if release.isdecimal() else 0,
        )

    def late(self) -> TaskTimeout:
        """Return what is raised in a task that takes too long."""
        return TaskTimeout(f"the task took longer than {self.timeout}")


def function_of(tree: str, env: Mapping[str, str]) -> Function:
    """Import the function that the environment names, or raise a StartError."""
    name, file = env["FNGEN_FUNCTION"], env["FNGEN_FILE"]
    found = load.function(tree, file, name)
    try:
        return Function(found, signature(found), env.get("FNGEN_TIMEOUT", "15m"))
    except Unbindable as error:
        raise StartError(f"{name} of {file}: {error}") from error


class Worker:
    """A process that runs tasks one after another."""

    def __init__(self, function: Function, sock: socket.socket, page: Page) -> None:
        self._function, self._socket, self._page = function, sock, page
        self._memory = outcome.Memory()
        self._start = Start()
        self._running = 0

    def run(self) -> None:
        """Run tasks until the agent closes the socket."""
        signal.signal(signal.SIGUSR1, self._stop)
        while True:
            task = wire.receive(self._socket)
            if task is None:
                return
            self._one(task)

    def _one(self, task: wire.Task) -> None:
        self._note(task)
        token = context.task_id.set(task.id)
        try:
            code, data = self._outcome(task)
        except TaskTimeout as error:  # in the moment at which the task ended
            code, data = outcome.of_error(error)
        finally:
            self._running = 0
        if code in (wire.RAISED, wire.TIMEOUT, wire.EXITED):
            outcome.tell(_said(data))
        outcome.end_lines()
        context.task_id.reset(token)
        self._tell(task, code, data)

    def _note(self, task: wire.Task) -> None:
        self._begun = time.perf_counter_ns()
        self._page.start(0, task.number)

    def _tell(self, task: wire.Task, code: int, data: bytes) -> None:
        self._page.finish(0, task.number, code == wire.WELL)
        wire.send(self._socket, task.number, code, self._memory.kib(), self._begun, data)

    def _is_late(self, number: int) -> bool:
        return self._page.cancelled(number)

    def _outcome(self, task: wire.Task) -> Outcome:
        try:
            args, keywords = self._function.arguments(task)
        except Refused as refused:
            return outcome.of_refusal(refused)
        try:
            self._running = task.number
            if self._is_late(task.number):  # told so before it began
                raise self._function.late()
            self._start.run()
            value = self._function.call(*args, **keywords)
            if value is not None and inspect.isawaitable(value):
                value = asyncio.run(_awaited(value))
            self._running = 0
        except BaseException as error:
            self._running = 0
            return outcome.of_error(error)
        return outcome.of_value(value)

    def _stop(self, number: int, frame: Any) -> None:
        """Raise in the task that the agent wants to end, and in no other."""
        running = self._running
        if running and self._is_late(running):
            self._running = 0
            raise self._function.late()


async def _awaited(value: Any) -> Any:
    return await value


def _said(data: bytes) -> str:
    import json

    said = json.loads(data)
    return str(said.get("traceback") or f"{said['type']}: {said['message']}")
