"""What is known about the work in hand, for whoever writes a log line."""

from __future__ import annotations

import threading
from concurrent import futures
from concurrent.futures import thread as pools
from contextvars import ContextVar
from typing import Any, Callable

# None outside a request, and outside a task.
request_id: ContextVar[str | None] = ContextVar("fngen_request_id", default=None)
task_id: ContextVar[str | None] = ContextVar("fngen_task_id", default=None)


def carry() -> None:
    """Have the ids go along to threads; to tasks of asyncio and forks they go by themselves.

    Nothing else does: what a person keeps in context variables is as it is without us.
    A thread that is started in a request has that request's id as long as it lives; one
    of a pool has that of the work it does.
    """
    start = threading.Thread.start
    submit = futures.ThreadPoolExecutor.submit

    def start_with_ids(self: threading.Thread) -> None:
        target = getattr(self, "_target", None)
        ids = (request_id.get(), task_id.get())
        if ids != (None, None) and target is not pools._worker:
            _wrap_run(self, ids)
        start(self)

    def submit_with_ids(
        self: futures.ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> futures.Future[Any]:
        ids = (request_id.get(), task_id.get())
        if ids == (None, None):
            return submit(self, fn, *args, **kwargs)
        return submit(self, _with_ids, ids, fn, *args, **kwargs)

    threading.Thread.start = start_with_ids  # type: ignore[method-assign]
    futures.ThreadPoolExecutor.submit = submit_with_ids  # type: ignore[method-assign,assignment]


_Ids = tuple["str | None", "str | None"]


def _wrap_run(thread: threading.Thread, ids: _Ids) -> None:
    run = thread.run

    def run_with_ids() -> None:
        del thread.run  # what refers to itself is freed late
        request_id.set(ids[0])
        task_id.set(ids[1])
        run()

    thread.run = run_with_ids  # type: ignore[method-assign]


def _with_ids(ids: _Ids, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    before = request_id.set(ids[0]), task_id.set(ids[1])
    try:
        return fn(*args, **kwargs)
    finally:
        request_id.reset(before[0])
        task_id.reset(before[1])
