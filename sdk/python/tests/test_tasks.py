from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, Optional

import pytest
from workers import RAISED, WELL, Zygote

import fngen
from fngen import tasks
from fngen.runtime.bind import Unbindable, signature
from fngen.tasks import TaskContext

GIVEN = TaskContext(id="1")


def bound(function: Callable[..., Any], payload: Any) -> Any:
    made = signature(function)
    args, keywords = made.inject(made.bind(payload), GIVEN)
    return function(*args, **keywords)


def test_context_is_given_and_never_bound() -> None:
    def one(payload: dict[str, int], context: TaskContext) -> Any:
        return payload, context

    def middle(a: int, context: TaskContext, b: int = 2, *rest: int) -> Any:
        return a, context, b, rest

    def keyword(
        a: int,
        *,
        context: Optional[TaskContext] = None,  # noqa: UP045  # both forms
        **more: int,
    ) -> Any:
        return a, context, more

    def alone(context: TaskContext | None) -> Any:
        return context

    assert bound(one, {"context": 1}) == ({"context": 1}, GIVEN)
    assert bound(middle, [1]) == (1, GIVEN, 2, ())
    assert bound(middle, [1, 3]) == (1, GIVEN, 3, ())
    assert bound(middle, [1, 3, 4, 5]) == (1, GIVEN, 3, (4, 5))
    assert bound(middle, {"a": 1, "b": 4, "rest": [5]}) == (1, GIVEN, 4, (5,))
    assert bound(keyword, {"a": 1, "b": 2}) == (1, GIVEN, {"b": 2})
    assert bound(alone, None) is GIVEN
    schema = signature(one).schema()
    assert [p["name"] for p in schema["params"]] == ["payload"]


def test_context_elsewhere_is_refused() -> None:
    def within(every: list[TaskContext]) -> None: ...
    def by_place(context: TaskContext, /) -> None: ...

    for function in (within, by_place):
        with pytest.raises(Unbindable, match="TaskContext"):
            signature(function)


def test_start_hook_takes_no_arguments() -> None:
    with pytest.raises(TypeError, match="'pool'"):
        tasks.on_worker_start(lambda pool: None)
    with pytest.raises(TypeError, match="marks a function"):
        tasks.on_worker_start(None)  # type: ignore[type-var]
    assert tasks.starts == []


def test_names_of_the_package() -> None:
    assert fngen.TaskTimeout is tasks.TaskTimeout
    assert fngen.TaskContext is TaskContext
    copied = pickle.loads(pickle.dumps(tasks.TaskTimeout("x")))  # noqa: S301  # our own
    assert isinstance(copied, fngen.TaskTimeout)
    with pytest.raises(AttributeError, match="no attribute 'task'"):
        _ = fngen.task


Start = Callable[..., Zygote]


@pytest.fixture
def zygote(tmp_path: Path, runtime: Path) -> Iterator[Start]:
    made: list[Zygote] = []

    def start(text: str, **env: str) -> Zygote:
        made.append(Zygote(runtime, tmp_path / "tree", "f", text, **env))
        return made[-1]

    yield start
    for one in made:
        one.kill()


HOOKS = """
import os
from fngen import TaskContext
from fngen.tasks import on_worker_start

made = []

@on_worker_start
def first():
    made.append(os.getpid())

@on_worker_start
async def second():
    made.append("second")
    if made.count("second") == 1:
        raise ConnectionError("not yet")

%sdef f(n: int, context: TaskContext):
    return [made[0] == os.getpid(), len(made), context.id[-1], context.attempt, context.function]
"""


@pytest.mark.parametrize("kind", ["", "async "])
def test_hooks_run_in_each_worker_before_its_tasks(zygote: Start, kind: str) -> None:
    z = zygote(HOOKS % kind)
    z.heard()
    for _ in range(2):
        worker = z.start()
        code, error = worker.run({"n": 1})  # a hook that raises fails the task
        assert (code, error["type"]) == (RAISED, "ConnectionError")
        for _ in range(2):
            code, result = worker.run({"n": 1})
            assert (code, result[:2], result[3:]) == (WELL, [True, 3], [1, "f"])
