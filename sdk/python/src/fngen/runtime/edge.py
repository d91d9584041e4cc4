"""The outermost layer of an application of ASGI: request id, probe, drain, errors."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, MutableMapping
from time import perf_counter
from typing import Any, Callable

from fngen.runtime import access, cause, identity, request_errors
from fngen.runtime.checks import Checks
from fngen.runtime.context import request_id
from fngen.runtime.failure import person_traceback
from fngen.runtime.overload import Overload
from fngen.runtime.probes import Probes
from fngen.runtime.proxies import Proxies
from fngen.runtime.scoreboard import Slot
from fngen.runtime.settings import Settings
from fngen.runtime.traffic import Traffic

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_ID = b"x-request-id"
_STARTS = ("http.response.start", "websocket.accept", "websocket.http.response.start")
_log = logging.getLogger("fngen")


class Edge:
    """An ASGI application around the person's, which is set once it is loaded.

    Every request goes through it, so it looks at the fields once, and makes nothing that
    most requests do not need.
    """

    app: App
    # Why the lifespan did not start: the exception, or what the app says of it.
    lifespan_error: Exception | None = None
    lifespan_text = "it does not say why"

    def __init__(
        self, settings: Settings, traffic: Traffic, overload: Overload, slot: Slot
    ) -> None:
        self._checks = Checks(settings)
        self._traffic = traffic
        self._overload = overload
        self._slot = slot
        self._proxies = Proxies(settings.proxies)
        self._in_work = 0
        self._probes = Probes(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event of the server: a request, a socket, the lifespan."""
        kind = scope["type"]
        if kind not in ("http", "websocket"):
            await self._lifespan(scope, receive, send)
            return
        fields = _unmistakable(scope)
        name = _identify(scope, fields)
        if b"x-forwarded-for" in fields or b"x-forwarded-proto" in fields:
            self._through_proxy(scope, fields)
        exchange = _Exchange(name, self._traffic, send, scope)
        if b"fngen-probe" in fields:
            named = fields[b"fngen-probe"].decode("latin-1")
            exchange.extra = [(n.encode(), v.encode()) for n, v in self._probes.answer(named)]
            exchange.quiet = exchange.quiet or self._probes.ours(named)
        request_id.set(name)
        note = self._slot.begin(scope.get("method", "GET"), scope["path"], name)
        self._in_work += 1
        try:
            if b"fngen-check" in fields and self._is_check(scope, fields):
                await self._check(exchange, scope, receive)
                return
            self._traffic.note()
            if self._overload.refuses(self._in_work):
                exchange.extra = [(b"retry-after", self._overload.retry_after.encode())]
                await exchange.answer(503, b"overloaded\n")
                return
            await self.app(scope, receive, exchange.send)
        except Exception as error:
            await exchange.fail(error)
        finally:
            self._in_work -= 1
            self._slot.end(note)
            exchange.told()

    async def _check(self, exchange: _Exchange, scope: Scope, receive: Receive) -> None:
        """Serve a health check; what it fails with is kept for the control plane."""
        exchange.quiet = True
        if self._traffic.draining:
            await exchange.answer(503, b"draining\n")
            return
        exchange.well_below = self._checks.well_below
        with request_errors.collect() as errors:
            try:
                await self.app(scope, receive, exchange.send)
            except Exception as error:
                await exchange.fail(error)
        self._checks.keep(exchange.status, errors)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the lifespan on, and keep what a failed start fails with."""
        failed = False

        async def noting(message: Message) -> None:
            nonlocal failed
            if message["type"] == "lifespan.startup.failed":
                failed = True
                lines = str(message.get("message") or "").strip().splitlines()
                self.lifespan_text = lines[-1] if lines else self.lifespan_text
                message = {**message, "message": ""}  # it is shown with the cause
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception as error:
            if failed:
                self.lifespan_error = error
            raise

    def _is_check(self, scope: Scope, fields: dict[bytes, bytes]) -> bool:
        # What came through the router says for whom, and is never a check: a stranger
        # must not have an answer under another status than people get.
        return (
            scope["type"] == "http"
            and scope["path"] == self._checks.path
            and (b"fngen-check", b"1") in scope["headers"]
            and b"x-forwarded-for" not in fields
        )

    def _through_proxy(self, scope: Scope, fields: dict[bytes, bytes]) -> None:
        """Believe the router's word on who asks, and by which scheme."""
        peer = scope.get("client")
        if not peer or not self._proxies.trusts(peer[0]):
            return
        scheme = fields.get(b"x-forwarded-proto", b"").decode("latin-1").strip()
        if scheme in ("http", "https", "ws", "wss"):
            is_socket = scope["type"] == "websocket"
            scope["scheme"] = scheme.replace("http", "ws") if is_socket else scheme
        if b"x-forwarded-for" in fields:
            all_of_them = [v for name, v in scope["headers"] if name == b"x-forwarded-for"]
            client = self._proxies.client(b",".join(all_of_them).decode("latin-1"))
            if client:
                scope["client"] = (client, 0)


class _Exchange:
    """One request and what was answered so far."""

    __slots__ = (
        "_began",
        "_complete",
        "_is_http",
        "_name",
        "_scope",
        "_send",
        "_started",
        "_traffic",
        "extra",
        "quiet",
        "status",
        "well_below",
    )

    def __init__(self, name: str, traffic: Traffic, send: Send, scope: Scope) -> None:
        self._began = perf_counter()
        self._scope = scope
        self._name = name
        self._traffic = traffic
        self._send = send
        self._is_http = scope["type"] == "http"
        # Health checks come every second, and are told of where they fail.
        self.quiet = not self._is_http
        self._started = self._complete = False
        self.extra: Headers = []
        # An answer below this status goes out as 200.
        self.well_below = 0
        self.status = 0

    def send(self, message: Message) -> Awaitable[None]:
        """Pass on what the application sends."""
        kind = message["type"]
        if kind == "http.response.body":
            if not message.get("more_body"):
                self._complete = True
                self.told()
        elif kind in _STARTS:
            self._started = True
            status = message.get("status", 0)
            message = {**message, "headers": self._headers(message, kind)}
            if kind == "http.response.start" and status < self.well_below:
                status = message["status"] = 200
            self.status = status
        return self._send(message)

    def told(self) -> None:
        """Tell of the request, once: when it is answered, or will never be."""
        if self.quiet:
            return
        self.quiet = True
        seconds = perf_counter() - self._began
        access.note(self._scope["method"], self._scope["path"], self.status, seconds)

    def _headers(self, message: Message, kind: str) -> Headers:
        headers: Headers = [*(message.get("headers") or ()), *self.extra]
        if not [1 for name, _ in headers if len(name) == 12 and name.lower() == _ID]:
            headers.append((_ID, self._name.encode()))
        if self._traffic.draining and kind == "http.response.start":
            # The next request of this connection belongs to another instance.
            headers = [pair for pair in headers if pair[0].lower() != b"connection"]
            headers.append((b"connection", b"close"))
        return headers

    async def answer(self, status: int, body: bytes) -> None:
        """Answer in the application's place."""
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
        ]
        if self._is_http:
            await self.send({"type": "http.response.start", "status": status, "headers": headers})
            await self.send({"type": "http.response.body", "body": body})
        else:
            await self.send({"type": "websocket.close", "code": 1013})  # try again later

    async def fail(self, error: Exception) -> None:
        """Log an error that the application let through, and answer if it did not.

        An error after a complete answer is only logged: the server would close
        the connection, which a proxy may have used for its next request.
        """
        request_errors.note(error)
        told = {"fngen_error": cause.identity(error)}
        _log.error("%s", person_traceback(error).rstrip(), extra=told)
        if self._is_http and not self._started:
            await self.answer(500, b"Internal Server Error")
        elif not (self._is_http and self._complete):
            raise BrokenAnswerError from None


class BrokenAnswerError(Exception):
    """The answer broke off; what caused it has been logged."""


def _unmistakable(scope: Scope) -> dict[bytes, bytes]:
    """Drop the headers with an underscore in their name; return the others by name.

    In the environment of WSGI, and wherever else names become variables, X_Forwarded_For
    is X-Forwarded-For: a stranger's header would pass for the one that the router sets.
    """
    fields = dict(scope["headers"])
    if b"_" in b" ".join(fields):
        scope["headers"] = [pair for pair in scope["headers"] if b"_" not in pair[0]]
        fields = dict(scope["headers"])
    return fields


def _identify(scope: Scope, fields: dict[bytes, bytes]) -> str:
    """Return the id of a request, which its headers have afterwards."""
    headers = scope["headers"]
    given = fields.get(_ID)
    if len(fields) != len(headers) and len([1 for name, _ in headers if name == _ID]) > 1:
        given = b""  # several say nothing
    name = identity.valid(given.decode("latin-1")) if given else None
    if name is not None:
        return name
    name = identity.made()
    if given is not None:
        headers = [pair for pair in headers if pair[0] != _ID]
    scope["headers"] = [*headers, (_ID, name.encode())]
    return name
