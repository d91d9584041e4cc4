"""Tell an ASGI application from a WSGI one, and both from a mistake."""

from __future__ import annotations

import inspect
from typing import Any

from a2wsgi import WSGIMiddleware

from fngen.runtime.failure import StartError

# One thread per request, as Flask and Django expect; as many as asyncio would have.
_WSGI_THREADS = 16


def as_asgi(result: object, function: str) -> Any:
    """Return result as an ASGI 3 application."""
    if result is None:
        raise StartError(f"{function}() returned None: it must return the app", "result")
    if not callable(result) or inspect.isclass(result):
        raise StartError(
            f"{function}() returned {_describe(result)}, not an ASGI or WSGI application",
            "result",
        )
    call = result if inspect.isroutine(result) else type(result).__call__
    if inspect.iscoroutinefunction(call):
        return result
    wanted = _positional(result)
    if wanted == 3:
        return result
    if wanted == 2:
        return WSGIMiddleware(result, workers=_WSGI_THREADS)
    hint = "; did you mean to call it?" if wanted == 0 else ""
    raise StartError(
        f"{function}() returned {_describe(result)}, not an ASGI or WSGI application{hint}",
        "result",
    )


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
