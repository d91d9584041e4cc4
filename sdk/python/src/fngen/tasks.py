"""What a function marked with @task_worker can use while it runs.

    from fngen.tasks import TaskContext, TaskTimeout, on_worker_start

    @on_worker_start
    def connect() -> None: ...

    @task_worker
    def send(order_id: int, context: TaskContext): ...

All of it can be imported and called on a person's machine too, where it does nothing.
"""

from __future__ import annotations

import inspect
from typing import Any, Callable, TypeVar

__all__ = ["TaskContext", "TaskTimeout", "on_worker_start"]

F = TypeVar("F", bound=Callable[..., Any])


class TaskTimeout(Exception):  # noqa: N818  # the name that people see
    """The task takes longer than its function allows. It may still clean up, for a few seconds."""

    __module__ = "fngen"


class TaskContext:
    """The task that runs. A parameter with this annotation is given it, and no payload fills it.

    In a test it is made as any other object: TaskContext(id="1").
    """

    __slots__ = ("attempt", "function", "id", "project", "release")

    # The task's id, the same in every attempt.
    id: str
    # Which attempt this is, from 1; a task that was put back goes on counting.
    attempt: int
    project: str
    function: str
    # The number of the release whose code runs, 0 where nobody says.
    release: int

    def __init__(
        self,
        *,
        id: str,  # noqa: A002  # the name that people look for
        attempt: int = 1,
        project: str = "",
        function: str = "",
        release: int = 0,
    ) -> None:
        self.id, self.attempt, self.project = id, attempt, project
        self.function, self.release = function, release

    def __repr__(self) -> str:
        return f"<TaskContext {self.id} of {self.function}, attempt {self.attempt}>"


starts: list[Callable[[], Any]] = []


def on_worker_start(function: F) -> F:
    """Call the function, async or not, in each worker process before its first task.

    It is for what a process must not share with another: pools, connections, clients. An
    exception of it fails the task that was to begin, and the next one calls it again.
    """
    if not callable(function):
        raise TypeError(f"@on_worker_start marks a function, not {type(function).__name__}")
    for p in inspect.signature(function).parameters.values():
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            raise TypeError(
                f"@on_worker_start: {getattr(function, '__name__', 'the function')} is called "
                f"without arguments, and needs {p.name!r}"
            )
    starts.append(function)
    return function
