"""Compare the framework that the decorator names with what the function returned.

Only what is certain is refused. An application around others, such as a
middleware or a router with mounts, says nothing of what is inside.
"""

from __future__ import annotations

from typing import Any

from fngen.runtime.failure import StartError

# What an application of each framework is an instance of, by module and class:
# the person's own are never imported for this. The names are those of the
# compiler (compiler/catalog/frameworks.go).
CLASSES = {
    "fastapi": ("fastapi.applications.FastAPI",),
    "flask": ("flask.app.Flask",),
    "django": (
        "django.core.handlers.asgi.ASGIHandler",
        "django.core.handlers.wsgi.WSGIHandler",
    ),
    "starlette": ("starlette.applications.Starlette",),
    "litestar": ("litestar.app.Litestar",),
    "fasthtml": ("fasthtml.core.FastHTML",),
    "quart": ("quart.app.Quart",),
    "falcon": ("falcon.app.App", "falcon.asgi.app.App"),
    "bottle": ("bottle.Bottle",),
    "asgi": (),
    "wsgi": (),
}
_TITLES = {
    "fastapi": "FastAPI",
    "fasthtml": "FastHTML",
}
# Whose applications are those of another framework, and may be no more than that.
_BASES = {"fastapi": "starlette", "fasthtml": "starlette"}
_HOLDERS = ("wsgi_app", "asgi_app")
_MOUNTS = ("starlette.routing.Mount", "starlette.routing.Host")


def compare(app: object, kind: str, framework: str, function: str) -> None:
    """Raise a StartError when app, called by kind, cannot be of framework.

    An empty framework is not known, and one that this runtime does not know is
    somebody else's to judge.
    """
    if framework not in CLASSES:
        return
    found = _frameworks(app)
    if framework in ("asgi", "wsgi"):
        fits = framework == kind
    else:
        fits = not found or framework in found or _BASES.get(framework) == found[0] or _holds(app)
    if fits:
        return
    got = f"a {_title(found[0])} app" if found else f"{_article(kind)} {kind.upper()} application"
    suggested = found[0] if found else kind
    raise StartError(
        f"@webapp(framework={framework!r}), but {function}() returned {got}: "
        f"write framework={suggested!r}, or return {_expected(framework)}",
        "result",
    )


def _frameworks(app: object) -> list[str]:
    """Return the frameworks that app is of, the nearest first."""
    bases = [_path(base) for base in type(app).__mro__]
    return [name for base in bases for name, classes in CLASSES.items() if base in classes]


def _path(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _holds(app: Any) -> bool:
    """Tell whether app may lead to another one: wrapped inside, or mounted."""
    if any(name in getattr(app, "__dict__", ()) for name in _HOLDERS):
        return True
    return any(_path(type(route)) in _MOUNTS for route in _routes(app))


def _routes(app: Any) -> list[Any]:
    routes = getattr(app, "routes", None)
    return routes if isinstance(routes, list) else []


def _expected(framework: str) -> str:
    if framework in ("asgi", "wsgi"):
        return f"{_article(framework)} {framework.upper()} application"
    return f"a {_title(framework)} app"


def _article(kind: str) -> str:
    return "an" if kind == "asgi" else "a"


def _title(framework: str) -> str:
    return _TITLES.get(framework, framework.capitalize())
