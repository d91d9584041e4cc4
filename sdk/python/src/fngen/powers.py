"""Powers: decorators that say what the platform does with a function.

A decorator checks its options, notes them on the function as ``__fngen__`` and
returns the very same function, so that marked code runs everywhere unchanged.
The platform reads the marks from the source without running it. This module
imports nothing, so that a mark costs no start-up time.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Literal, NoReturn, TypeVar, Union, overload

    F = TypeVar("F", bound=Callable[..., Any])
    Framework = Literal[
        "fastapi",
        "flask",
        "django",
        "starlette",
        "litestar",
        "fasthtml",
        "quart",
        "falcon",
        "bottle",
        "asgi",
        "wsgi",
    ]
    Compute = Literal["server", "serverless"]
    Duration = Union[str, int]

__all__ = ["Power", "task_worker", "webapp"]

# The same names as the compiler's (compiler/catalog/frameworks.go).
_FRAMEWORKS = (
    "fastapi",
    "flask",
    "django",
    "starlette",
    "litestar",
    "fasthtml",
    "quart",
    "falcon",
    "bottle",
    "asgi",
    "wsgi",
)
_COMPUTES = ("server", "serverless")
_WEBAPP_OPTIONS = (
    "framework",
    "compute",
    "health",
    "domain",
    "release",
    "processes",
    "threads",
    "max_body_mb",
    "max_header_kb",
    "keep_alive",
)
_TASK_WORKER_OPTIONS = ("compute", "concurrency", "timeout", "retries")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
# The same bounds as the compiler's (compiler/resolve/taskworker.go, processes.go and
# limits.go, compiler/ir/names.go).
_MOST_PROCESSES = 64
_MOST_THREADS = 256
_LIMITS = {"max_body_mb": (1, 10240), "max_header_kb": (8, 256), "keep_alive": (100, 3600)}
_MOST_CONCURRENCY = 100
_MOST_RETRIES = 100
_MOST_SECONDS = 12 * 3600
_MOST_RELEASE_BYTES = 1000


class Power:
    """What a decorator noted on a function: the Power's name and its options. Immutable."""

    __slots__ = ("options", "power")

    power: str
    options: dict[str, object]

    def __init__(self, power: str, options: dict[str, object]) -> None:
        object.__setattr__(self, "power", power)
        object.__setattr__(self, "options", options)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{name!r} cannot be set: a Power is immutable")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{name!r} cannot be deleted: a Power is immutable")

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"<Power {self.power}({options})>"


if TYPE_CHECKING:

    @overload
    def webapp(
        framework: Framework,
        compute: Compute = "server",
        *,
        health: str | None = None,
        domain: str | None = None,
        release: str | None = None,
        processes: int | Literal["auto"] = "auto",
        threads: int | None = None,
        max_body_mb: int | None = None,
        max_header_kb: int | None = None,
        keep_alive: int | None = None,
    ) -> Callable[[F], F]: ...
    @overload  # never matched: it makes the implementation's **unknown legal
    def webapp(framework: object, compute: object, *, _: None) -> NoReturn: ...


def webapp(
    framework: Any = None,
    compute: Any = "server",
    *,
    health: Any = None,
    domain: Any = None,
    release: Any = None,
    processes: Any = "auto",
    threads: Any = None,
    max_body_mb: Any = None,
    max_header_kb: Any = None,
    keep_alive: Any = None,
    **unknown: Any,
) -> Any:
    """Serve the web application that the function returns.

    framework: 'fastapi', 'flask', 'django', 'starlette', 'litestar', 'fasthtml', 'quart',
        'falcon' or 'bottle'; 'asgi' or 'wsgi' for any other application.
    compute: where it runs; 'server' is an always-on server of fngen.yml.
    health: the path that answers 2xx or 3xx when the application is well; without it any answer
        of '/' below 500 will do.
    domain: your own domain for it, such as 'shop.example.com'.
    release: a shell command that each push runs once, in the new code and before it serves, such
        as 'python manage.py migrate'. When it fails, the push ends and what ran before goes on.
    processes: how many processes serve it on each server, 1 to 64; 'auto' is one for each
        processor of the server.
    threads: how many requests one process of Flask or Django serves at a time, 1 to 256; 16
        when it is left out.
    max_body_mb: the largest body of a request, in megabytes, 1 to 10240; any when it is left out.
    max_header_kb: the largest head of a request, in kilobytes, 8 to 256; 64 when it is left out.
    keep_alive: for how many seconds an idle connection is kept, 100 to 3600; 120 when it is left
        out.
    """
    _refuse_unknown("webapp", unknown, _WEBAPP_OPTIONS)
    if framework is None or callable(framework):
        raise TypeError("@webapp needs a framework: @webapp(framework='fastapi')")
    _one_of("webapp", "framework", framework, _FRAMEWORKS)
    _one_of("webapp", "compute", compute, _COMPUTES)
    if health is not None and not (isinstance(health, str) and health.startswith("/")):
        raise ValueError(f"@webapp: health is a path that starts with '/', not {health!r}")
    if domain is not None and not _is_domain(domain):
        raise ValueError(
            f"@webapp: domain is a host name such as 'shop.example.com', not {domain!r}"
        )
    if release is not None and not _is_command(release):
        raise ValueError(
            f"@webapp: release is one line of {_MOST_RELEASE_BYTES} bytes at most, "
            f"such as 'python manage.py migrate', not {release!r}"
        )
    if processes != "auto":
        _whole_number("webapp", "processes", processes, 1, _MOST_PROCESSES)
    if threads is not None:
        _whole_number("webapp", "threads", threads, 1, _MOST_THREADS)
    limits = {
        "max_body_mb": max_body_mb,
        "max_header_kb": max_header_kb,
        "keep_alive": keep_alive,
    }
    for name, value in limits.items():
        if value is not None:
            _whole_number("webapp", name, value, *_LIMITS[name])
    options = {
        "framework": framework,
        "compute": compute,
        "health": health,
        "domain": domain,
        "release": release,
        "processes": processes,
        "threads": threads,
        **limits,
    }
    return _marker(Power("webapp", options))


if TYPE_CHECKING:

    @overload
    def task_worker(compute: F, /) -> F: ...
    @overload
    def task_worker(
        compute: Compute = "server",
        *,
        concurrency: int = 1,
        timeout: Duration = "15m",
        retries: int = 5,
    ) -> Callable[[F], F]: ...


def task_worker(
    compute: Any = "server",
    *,
    concurrency: Any = 1,
    timeout: Any = "15m",
    retries: Any = 5,
    **unknown: Any,
) -> Any:
    """Run the function for each task that is sent to it.

    compute: where it runs; 'server' is an always-on server of fngen.yml.
    concurrency: how many tasks one server runs at the same time, 1 to 100.
    timeout: how long one attempt may take: whole seconds, or a text such as '90s', '15m',
        '1h30m'; 12 hours at most.
    retries: how often a task that failed is tried again, 0 to 100.
    """
    _refuse_unknown("task_worker", unknown, _TASK_WORKER_OPTIONS)
    function = None
    if callable(compute):  # used bare: @task_worker
        function, compute = compute, "server"
    _one_of("task_worker", "compute", compute, _COMPUTES)
    _whole_number("task_worker", "concurrency", concurrency, 1, _MOST_CONCURRENCY)
    _whole_number("task_worker", "retries", retries, 0, _MOST_RETRIES)
    seconds = _seconds(timeout)
    if seconds is None:
        raise ValueError(
            "@task_worker: timeout is a whole number of seconds or a text such as "
            f"'90s', '15m' or '1h30m', not {timeout!r}"
        )
    if not 1 <= seconds <= _MOST_SECONDS:
        raise ValueError(f"@task_worker: timeout is 1s to 12h, not {timeout!r}")
    options = {
        "compute": compute,
        "concurrency": concurrency,
        "timeout": timeout,
        "retries": retries,
    }
    mark = _marker(Power("task_worker", options))
    return mark if function is None else mark(function)


def _marker(power: Power) -> Callable[[F], F]:
    def mark(function: F) -> F:
        if not callable(function):
            raise TypeError(f"@{power.power} marks a function, not {type(function).__name__}")
        function.__fngen__ = power  # type: ignore[attr-defined]
        return function

    return mark


def _refuse_unknown(power: str, unknown: dict[str, Any], known: tuple[str, ...]) -> None:
    for name in unknown:
        raise TypeError(f"@{power} has no option {name!r}{_did_you_mean(name, known)}")


def _one_of(power: str, option: str, value: object, known: tuple[str, ...]) -> None:
    if not isinstance(value, str):
        raise TypeError(f"@{power}: {option} is a text, not {type(value).__name__}")
    if value not in known:
        raise ValueError(f"@{power}: unknown {option} {value!r}{_did_you_mean(value, known)}")


def _whole_number(power: str, option: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"@{power}: {option} is a whole number, not {value!r}")
    if not least <= value <= most:
        raise ValueError(f"@{power}: {option} is {least} to {most}, not {value}")


def _is_domain(domain: object) -> bool:
    if not isinstance(domain, str) or not 0 < len(domain) <= 253 or "." not in domain:
        return False
    # What letters outside ASCII may stand in a name is for the platform to say.
    return all(
        label
        and label[0] != "-" != label[-1]
        and all(c.isalnum() or c == "-" or c > "\x7f" for c in label)
        for label in domain.split(".")
    )


def _is_command(command: object) -> bool:
    if not isinstance(command, str) or not command.strip():
        return False
    # Which characters it may hold besides is for the platform to say.
    return (
        "\n" not in command and len(command.encode(errors="surrogatepass")) <= _MOST_RELEASE_BYTES
    )


def _seconds(value: object) -> int | None:
    """Read a whole number of seconds, or numbers that each have a unit; None when it is neither."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or not value:
        return None
    seconds, digits = 0, ""
    for char in value:
        if "0" <= char <= "9" and len(digits) < 9:
            digits += char
        elif digits and char in _SECONDS:
            seconds += int(digits) * _SECONDS[char]
            digits = ""
        else:
            return None
    return None if digits else seconds


def _did_you_mean(word: str, known: tuple[str, ...]) -> str:
    import difflib  # only for a message: it is slow to import

    near = difflib.get_close_matches(word.lower(), known, 1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; it is one of {', '.join(repr(name) for name in known)}"
