"""Run tasks: functions marked with @task_worker, in the background, on the platform.

    from fngen import platform

    task = platform.run_task("shop", "send_receipt", {"order_id": 7})
    print(task.id)

In a deployed function this needs no key: it sends tasks to the functions of its own
project. Everywhere else the key is that of the CLI, FNGEN_API_KEY or the credentials
file. A payload that does not fit the function is refused before it is queued, and each
field that is wrong is named.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from fngen.client import connection, data
from fngen.client.errors import BadPayload, PlatformError, TaskFailed, of_answer

__all__ = [
    "BadPayload", "PlatformError", "Task", "TaskFailed",
    "run_task", "run_task_async", "run_tasks", "wait",
]  # fmt: skip

# How long one request waits for the end of a task, in seconds.
_PATIENCE = 25
_MOST_AT_ONCE = 500


class Task:
    """A task on the platform, as it was when it was last asked about."""

    id: str
    project: str
    function: str
    # queued, running, retrying, succeeded, failed or dead.
    state: str
    attempts: int
    # What the function returned, once it has succeeded.
    result: Any
    # Why the last attempt failed: reason, type, message, traceback.
    error: dict[str, Any] | None

    def __init__(self, project: str, function: str, known: dict[str, Any]) -> None:
        self.project, self.function = project, function
        self._set(known)

    def _set(self, known: dict[str, Any]) -> None:
        self.id = known["id"]
        self.state = known.get("state", "queued")
        self.attempts = known.get("attempts", 0)
        self.result, self.error = known.get("result"), known.get("error")

    @property
    def done(self) -> bool:
        """Whether nothing more comes of it by itself."""
        return self.state in ("succeeded", "failed", "dead")

    def refresh(self) -> Task:
        """Ask what has become of it, and return it."""
        self._set(connection.ask(self.project, "GET", f"/{self.id}"))
        return self

    def wait(self, timeout: float | None = None) -> Any:
        """Wait for its end, and return its result; raise TaskFailed or TimeoutError."""
        return wait(self, timeout)

    def __repr__(self) -> str:
        return f"<Task {self.id} of {self.function}: {self.state}>"


def run_task(
    project: str,
    function: str,
    payload: Any = None,
    *,
    wait: bool = False,
    timeout: float | None = None,
    key: str | None = None,
) -> Task:
    """Queue one task, and return it once the platform is sure to run it.

    wait: return when it has ended; raise TaskFailed when it has not succeeded, and
        TimeoutError after timeout seconds.
    key: the same key gives the same task for a day, however often it is sent.
    """
    task = _send(project, function, data.encode(payload), key)
    if wait:
        _wait(task, timeout)
    return task


def run_tasks(project: str, function: str, payloads: Iterable[Any]) -> list[Task]:
    """Queue many tasks of one function, many at once, and return them in their order."""
    encoded = [data.encode(payload) for payload in payloads]  # nothing is sent where one is wrong
    made: list[Task] = []
    for batch in _batches(encoded):
        if len(batch) == 1 and len(batch[0]) > data.MOST_IN_MESSAGE:
            made.append(_send(project, function, batch[0], None))
            continue
        batch = [_order(function, payload, None) for payload in batch]
        answer = connection.ask(project, "POST", "", b'{"tasks":[' + b",".join(batch) + b"]}")
        for sent in answer["tasks"]:
            if sent.get("problem"):
                raise of_answer(400, sent["problem"])
            made.append(Task(project, function, sent))
    return made


async def run_task_async(
    project: str, function: str, payload: Any = None, *, key: str | None = None
) -> Task:
    """Queue one task without holding up the event loop."""
    return await asyncio.to_thread(run_task, project, function, payload, key=key)


def wait(task: Task, timeout: float | None = None) -> Any:
    """Wait for the end of a task, and return its result; raise TaskFailed or TimeoutError."""
    _wait(task, timeout)
    return task.result


def _wait(task: Task, timeout: float | None) -> None:
    end = None if timeout is None else time.monotonic() + timeout
    while not task.done:
        left = _PATIENCE if end is None else min(_PATIENCE, end - time.monotonic())
        if left <= 0:
            raise TimeoutError(f"{task!r} has not ended in {timeout} seconds")
        path = f"/{task.id}?wait={max(1, int(left))}"
        task._set(connection.ask(task.project, "GET", path))
    if task.state != "succeeded":
        raise TaskFailed(task)


def _order(function: str, payload: bytes, key: str | None) -> bytes:
    # A key of its own makes it safe to send the request again.
    about = json.dumps({"function": function, "key": key or str(uuid.uuid4())})
    return b'{"payload":' + payload + b"," + about[1:].encode()


def _send(project: str, function: str, payload: bytes, key: str | None) -> Task:
    if len(payload) <= data.MOST_IN_MESSAGE:
        body = _order(function, payload, key)
        return Task(project, function, connection.ask(project, "POST", "", body))
    # What is too large for a message is the body of a request of its own.
    about = urlencode({"function": function, "key": key or str(uuid.uuid4())})
    return Task(project, function, connection.ask(project, "POST", f"/large?{about}", payload))


def _batches(payloads: Iterable[bytes]) -> Iterable[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for one in payloads:
        is_large = len(one) > data.MOST_IN_MESSAGE
        if batch and (is_large or len(batch) == _MOST_AT_ONCE or size + len(one) > 8 << 20):
            yield batch
            batch, size = [], 0
        if is_large:
            yield [one]
            continue
        batch.append(one)
        size += len(one)
    if batch:
        yield batch
