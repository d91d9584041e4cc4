"""Test marked functions in the test's own process, without a platform.

    from fngen.testing import client
    from my_website import live_app

    def test_index():
        with client(live_app) as web:
            assert web.get("/").json() == {"hello": "world"}

It needs nothing but the standard library and what the app itself imports, and is
for tests that are plain functions: an event loop of its own runs in each request.
"""

from __future__ import annotations

import asyncio
import inspect
import io
import json as _json
import sys
from collections.abc import Coroutine, Iterable, Mapping
from types import TracebackType
from typing import Any, Callable, TypeVar, Union
from urllib.parse import unquote, urlsplit

__all__ = ["Bound", "Client", "Response", "bind", "client"]

_HOST = "testserver"
_T = TypeVar("_T")
_Headers = Union[Mapping[str, str], Iterable[tuple[str, str]], None]


class Bound:
    """What a payload becomes: the arguments of a call, or what is wrong with it."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: list[Any],
        kwargs: dict[str, Any],
        errors: list[dict[str, Any]],
    ) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs
        # As the platform tells them: loc, type, expected, msg and input of each field.
        self.errors = errors

    def run(self) -> Any:
        """Call the function, which may be async, and return its result."""
        if self.errors:
            raise ValueError(f"the payload does not fit: {self.errors}")
        result = self.function(*self.args, **self.kwargs)
        return asyncio.run(_awaited(result)) if inspect.isawaitable(result) else result


def bind(function: Callable[..., Any], payload: Any = None) -> Bound:
    """Bind a task's payload to its function, by the very rules of the platform.

    The payload is data, as JSON has it; what JSON has not is a TypeError.
    """
    from fngen.runtime.bind import Refused, decode, signature

    data = decode(_json.dumps(payload, allow_nan=False).encode())
    try:
        args, kwargs = signature(function).bind(data)
    except Refused as refused:
        return Bound(function, [], {}, refused.plain())
    return Bound(function, args, kwargs, [])


class Response:
    """What the app answered."""

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status = status
        # In the order in which they were sent; a name may stand twice.
        self.headers = headers
        self.body = body

    def header(self, name: str, default: str | None = None) -> str | None:
        """Return the first header of that name, in any case."""
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return default

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        return self.body.decode()

    def json(self) -> Any:
        """Return the body, read as JSON."""
        return _json.loads(self.body)

    def __repr__(self) -> str:
        return f"<Response {self.status}, {len(self.body)} bytes>"


def client(app: Any) -> Client:
    """Return a client of a web app: a function marked with @webapp, or the app itself."""
    return Client(app)


class Client:
    """A client that calls a WSGI or ASGI app directly.

    Entered by ``with``, an ASGI app has its lifespan run: startup before the first
    request, shutdown at the end. What the app raises is raised in the test.
    """

    def __init__(self, app: Any) -> None:
        self._loop = asyncio.new_event_loop()
        if hasattr(app, "__fngen__"):
            app = app()
            if inspect.isawaitable(app):
                app = self._run(_awaited(app))
        self.app = app
        self._is_asgi = _is_asgi(app)
        self._lifespan: _Lifespan | None = None

    def __enter__(self) -> Client:
        if self._is_asgi:
            self._lifespan = _Lifespan(self.app)
            try:
                self._run(self._lifespan.startup())
            except BaseException:
                self.close()
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._lifespan is not None:
                self._run(self._lifespan.shutdown())
        finally:
            self.close()

    def close(self) -> None:
        """End what runs for the app; ``with`` does it too."""
        self._lifespan = None
        if self._loop.is_closed():
            return
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._run(_ended(tasks))
        self._run(self._loop.shutdown_asyncgens())
        self._loop.close()

    def __del__(self) -> None:
        # A client that was not entered by "with" holds nothing but its loop.
        if not self._loop.is_closed():
            self._loop.close()

    def get(self, path: str, *, headers: _Headers = None) -> Response:
        """Ask for a path, which may have a query."""
        return self.request("GET", path, headers=headers)

    def post(
        self, path: str, body: bytes = b"", *, json: Any = None, headers: _Headers = None
    ) -> Response:
        """Send a body, or json as a body of JSON."""
        return self.request("POST", path, body, json=json, headers=headers)

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        json: Any = None,
        headers: _Headers = None,
    ) -> Response:
        """Send a request with any method."""
        pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers or ())
        if json is not None:
            body = _json.dumps(json).encode()
            pairs.append(("content-type", "application/json"))
        names = {name.lower() for name, _ in pairs}
        if "host" not in names:
            pairs.insert(0, ("host", _HOST))
        if body and "content-length" not in names:
            pairs.append(("content-length", str(len(body))))
        if self._is_asgi:
            state = self._lifespan.state if self._lifespan else None
            return self._run(_ask_asgi(self.app, method, path, pairs, body, state))
        return _ask_wsgi(self.app, method, path, pairs, body)

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return self._loop.run_until_complete(work)


async def _awaited(value: Any) -> Any:
    return await value


async def _ended(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


def _is_asgi(app: Any) -> bool:
    """Tell how an app is called, by its arguments, as the platform does."""
    if not callable(app) or inspect.isclass(app):
        raise TypeError(f"{app!r} is not an ASGI or WSGI application")
    call = app if inspect.isroutine(app) else type(app).__call__
    if inspect.iscoroutinefunction(call):
        return True
    needed = [
        p
        for p in inspect.signature(app).parameters.values()
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    if len(needed) not in (2, 3):
        raise TypeError(f"{app!r} is not an ASGI or WSGI application")
    return len(needed) == 3


def _scope(
    method: str, path: str, headers: list[tuple[str, str]], state: dict[str, Any] | None
) -> dict[str, Any]:
    url = urlsplit(path)
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method.upper(),
        "scheme": "http",
        "path": unquote(url.path) or "/",
        "raw_path": (url.path or "/").encode(),
        "query_string": url.query.encode(),
        "root_path": "",
        "headers": [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers],
        "client": ("127.0.0.1", 50000),
        "server": (_HOST, 80),
    }
    if state is not None:
        scope["state"] = state.copy()
    return scope


async def _ask_asgi(
    app: Any,
    method: str,
    path: str,
    headers: list[tuple[str, str]],
    body: bytes,
    state: dict[str, Any] | None,
) -> Response:
    sent: list[dict[str, Any]] = []
    asked = False
    done = asyncio.Event()

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": body, "more_body": False}
        await done.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            done.set()

    await app(_scope(method, path, headers, state), receive, send)
    starts = [m for m in sent if m["type"] == "http.response.start"]
    if len(starts) != 1 or not done.is_set():
        raise AssertionError(f"the app did not answer {method} {path} to its end")
    pairs = [
        (bytes(k).decode("latin-1"), bytes(v).decode("latin-1"))
        for k, v in starts[0].get("headers", ())
    ]
    parts = [bytes(m.get("body", b"")) for m in sent if m["type"] == "http.response.body"]
    return Response(starts[0]["status"], pairs, b"".join(parts))


class _Lifespan:
    """The lifespan of an ASGI app; one that has none raises at once, and that is fine."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.state: dict[str, Any] = {}
        self.task: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        # Here, since a queue of Python 3.9 belongs to the loop that runs then.
        self.to_app: asyncio.Queue[str] = asyncio.Queue()
        self.from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": self.state}
        self.task = asyncio.ensure_future(self.app(scope, self._receive, self.from_app.put))
        await self._tell("lifespan.startup")

    async def shutdown(self) -> None:
        await self._tell("lifespan.shutdown")

    async def _receive(self) -> dict[str, str]:
        return {"type": await self.to_app.get()}

    async def _tell(self, what: str) -> None:
        task = self.task
        if task is None or task.done():
            return
        await self.to_app.put(what)
        answer = asyncio.ensure_future(self.from_app.get())
        await asyncio.wait({answer, task}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            if not task.cancelled():
                task.exception()  # an app without a lifespan raises: that is read, and fine
            return
        message = answer.result()
        if message["type"] == what + ".failed":
            raise RuntimeError(f"{what} failed: {message.get('message', '')}")


def _ask_wsgi(
    app: Any, method: str, path: str, headers: list[tuple[str, str]], body: bytes
) -> Response:
    url = urlsplit(path)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method.upper(),
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(url.path, "latin-1") or "/",
        "QUERY_STRING": url.query,
        "SERVER_NAME": _HOST,
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers:
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key] = value
    started: list[tuple[str, list[tuple[str, str]]]] = []
    parts: list[bytes] = []

    def start_response(
        status: str, pairs: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        started[:] = [(status, list(pairs))]
        return parts.append

    answer = app(environ, start_response)
    try:
        parts.extend(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()
    if not started:
        raise AssertionError(
            f"the app did not answer {method} {path}: it never called start_response"
        )
    status, pairs = started[0]
    return Response(int(status.split(" ", 1)[0]), pairs, b"".join(parts))
