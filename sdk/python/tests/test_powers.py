from __future__ import annotations

import subprocess
import sys
from typing import Callable

import pytest

from fngen.powers import task_worker, webapp


def work(order_id: int) -> int:
    return order_id


def test_webapp_returns_the_same_function_and_notes_the_options() -> None:
    def live_app() -> None: ...

    assert webapp("fastapi", health="/up")(live_app) is live_app
    mark = live_app.__fngen__  # type: ignore[attr-defined]
    assert mark.power == "webapp"
    assert mark.options == {
        "framework": "fastapi",
        "compute": "server",
        "health": "/up",
        "domain": None,
    }
    with pytest.raises(AttributeError, match="immutable"):
        mark.power = "other"


@pytest.mark.parametrize(
    "decorate", [task_worker, task_worker(), task_worker("server"), task_worker(timeout="1h30m")]
)
def test_task_worker_works_bare_and_called(decorate: Callable[[object], object]) -> None:
    assert decorate(work) is work
    assert work.__fngen__.options["retries"] == 5  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: webapp(work),
            TypeError,
            "@webapp needs a framework: @webapp(framework='fastapi')",
        ),
        (lambda: webapp(), TypeError, "@webapp needs a framework"),
        (
            lambda: webapp("fastpi"),
            ValueError,
            "unknown framework 'fastpi'; did you mean 'fastapi'?",
        ),
        (lambda: webapp("flask", "sever"), ValueError, "compute 'sever'; did you mean 'server'?"),
        (
            lambda: webapp("flask", helth="/"),
            TypeError,
            "no option 'helth'; did you mean 'health'?",
        ),
        (lambda: webapp("flask", health="up"), ValueError, "a path that starts with '/', not 'up'"),
        (lambda: webapp("flask", domain="https://a.b"), ValueError, "not 'https://a.b'"),
        (lambda: webapp("flask")(3), TypeError, "@webapp marks a function, not int"),
        (lambda: task_worker(retry=3), TypeError, "no option 'retry'; did you mean 'retries'?"),
        (lambda: task_worker(concurrency=0), ValueError, "concurrency is at least 1, not 0"),
        (lambda: task_worker(retries=True), TypeError, "retries is a whole number, not True"),
        (
            lambda: task_worker(timeout="15 min"),
            ValueError,
            "'90s', '15m' or '1h30m', not '15 min'",
        ),
        (lambda: task_worker(timeout=0), ValueError, "positive number of seconds"),
    ],
)
def test_a_wrong_option_is_explained(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as raised:
        call()
    assert message in str(raised.value)


def test_a_mark_imports_nothing() -> None:
    code = (
        "import sys; before = set(sys.modules); from fngen.powers import task_worker\n"
        "task_worker(lambda: 1); print(*sorted(set(sys.modules) - before))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(out.stdout.split()) - {"__future__"} == {"fngen", "fngen.powers"}


def test_importing_the_package_is_enough_to_name_a_power() -> None:
    code = (
        "import fngen; web = fngen.powers.webapp('flask')(lambda: 1)\n"
        "print(web.__fngen__, hasattr(fngen, 'webapp'))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.startswith("<Power webapp(")
    assert out.stdout.endswith(" False\n")
