"""Tell an ASGI application from a WSGI one, and both from a mistake."""

from __future__ import annotations

import inspect
from typing import Any

from fngen.runtime.failure import StartError


def of(result: object, function: str, framework: str = "") -> str:
    """Return how result is to be called, "asgi" or "wsgi".

    Where its arguments do not tell, a framework of one of these names does.
    """
    if result is None:
        raise StartError(f"{function}() returned None: it must return the app", "result")
    if not callable(result) or inspect.isclass(result):
        raise StartError(
            f"{function}() returned {_describe(result)}, not an ASGI or WSGI application",
            "result",
        )
    call = result if inspect.isroutine(result) else type(result).__call__
    if inspect.iscoroutinefunction(call):
        return "asgi"
    wanted = _positional(result)
    if wanted == 3:
        return "asgi"
    if wanted == 2:
        return "wsgi"
    if framework in ("asgi", "wsgi") and (wanted is None or _takes_any(result)):
        return framework
    hint = "; did you mean to call it?" if wanted == 0 else ""
    raise StartError(
        f"{function}() returned {_describe(result)}, not an ASGI or WSGI application{hint}",
        "result",
    )


def _takes_any(app: Any) -> bool:
    parameters = inspect.signature(app).parameters.values()
    return any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters)


def _positional(app: Any) -> int | None:
    """Count the arguments that app is called with: 3 in ASGI, 2 in WSGI."""
    try:
        parameters = inspect.signature(app).parameters.values()
    except (TypeError, ValueError):
        return None
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in by_position and p.default is p.empty for p in parameters)


def _describe(value: object) -> str:
    if inspect.isclass(value):
        return f"the class {value.__name__}"
    if inspect.isroutine(value):
        return f"the function {value.__name__}"
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
