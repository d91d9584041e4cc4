from __future__ import annotations

import subprocess
import sys
from typing import Any, Callable

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
        "release": None,
        "processes": "auto",
        "threads": None,
        "max_body_mb": None,
        "max_header_kb": None,
        "keep_alive": None,
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
    "domain", ["Shop.example.com", "bücher.example", "हिन्दी.example", "r3---sn.a.b"]
)
def test_a_domain_may_have_the_letters_of_any_script(domain: str) -> None:
    webapp("flask", domain=domain)


@pytest.mark.parametrize(
    "domain", ["shop", "a..b", "a.b.", "-a.b", "a-.b", "a_b.c", "*.b.c", "a b.c", ""]
)
def test_a_domain_is_a_host_name(domain: str) -> None:
    with pytest.raises(ValueError, match="domain is a host name"):
        webapp("flask", domain=domain)


@pytest.mark.parametrize("release", ["python manage.py migrate", "a && b; c > $HOME/x", "é" * 500])
def test_a_release_command_is_any_line_of_shell(release: str) -> None:
    def live_app() -> None: ...

    webapp("django", release=release)(live_app)
    assert live_app.__fngen__.options["release"] == release  # type: ignore[attr-defined]


@pytest.mark.parametrize(("processes", "threads"), [("auto", None), (1, 1), (64, 256)])
def test_processes_and_threads_are_numbers(processes: Any, threads: Any) -> None:
    def live_app() -> None: ...

    webapp("flask", processes=processes, threads=threads)(live_app)
    noted = live_app.__fngen__.options  # type: ignore[attr-defined]
    assert (noted["processes"], noted["threads"]) == (processes, threads)


@pytest.mark.parametrize(
    "options",
    [
        *({"processes": wrong} for wrong in (0, -1, 65, "many", True, None, 1.5)),
        *({"threads": wrong} for wrong in (0, -1, 257, "auto", True, 1.5)),
    ],
)
def test_other_processes_and_threads_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError), match=r"@webapp: (processes|threads) is "):
        webapp("flask", **options)


@pytest.mark.parametrize("release", ["", " ", "a\nb", "é" * 501, ["migrate"], True])
def test_a_release_command_is_one_line(release: object) -> None:
    with pytest.raises(ValueError, match="release is one line of 1000 bytes at most"):
        webapp("django", release=release)  # type: ignore[call-overload]


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
        (lambda: webapp("flask", health=""), ValueError, "a path that starts with '/', not ''"),
        (lambda: webapp("flask", domain="https://a.b"), ValueError, "not 'https://a.b'"),
        (lambda: webapp("flask")(3), TypeError, "@webapp marks a function, not int"),
        (lambda: task_worker(retry=3), TypeError, "no option 'retry'; did you mean 'retries'?"),
        (lambda: task_worker(concurrency=0), ValueError, "concurrency is 1 to 100, not 0"),
        (lambda: task_worker(retries=101), ValueError, "retries is 0 to 100, not 101"),
        (lambda: task_worker(retries=True), TypeError, "retries is a whole number, not True"),
        (
            lambda: task_worker(timeout="15 min"),
            ValueError,
            "'90s', '15m' or '1h30m', not '15 min'",
        ),
        (lambda: task_worker(timeout=1.5), ValueError, "whole number of seconds"),
        (lambda: task_worker(timeout=""), ValueError, "whole number of seconds"),
        (lambda: task_worker(timeout=0), ValueError, "timeout is 1s to 12h, not 0"),
        (lambda: task_worker(timeout="12h1s"), ValueError, "timeout is 1s to 12h, not '12h1s'"),
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


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("max_body_mb", 1, 10240), ("max_header_kb", 8, 256), ("keep_alive", 100, 3600)],
)
def test_limits_are_numbers(name: str, least: int, most: int) -> None:
    for value in (None, least, most):

        def live_app() -> None: ...

        assert webapp("flask", **{name: value})(live_app).__fngen__.options[name] == value  # type: ignore[attr-defined]
    for wrong in (least - 1, most + 1, "10MB", True, 1.5):
        with pytest.raises((TypeError, ValueError), match=f"@webapp: {name} is "):
            webapp("flask", **{name: wrong})
