"""The outermost layer of every application: request id, probe, drain, errors."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Awaitable, MutableMapping
from typing import Any, Callable

from fngen.runtime import access, cause, noticed
from fngen.runtime.context import request_id
from fngen.runtime.failure import person_traceback
from fngen.runtime.settings import Settings
from fngen.runtime.traffic import Traffic

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_STARTS = ("http.response.start", "websocket.accept", "websocket.http.response.start")
_log = logging.getLogger("fngen")


class Edge:
    """An ASGI application around the person's, which is set once it is loaded."""

    app: App
    # Why the lifespan did not start: the exception, or what the app says of it.
    lifespan_error: Exception | None = None
    lifespan_text = "it does not say why"

    def __init__(self, settings: Settings, traffic: Traffic) -> None:
        self._health = settings.health
        self._well_below = settings.well_below
        self._traffic = traffic
        # The id of the fault that the last health check failed with.
        self._failing: str | None = ""
        self._probe: Headers = [
            (b"fngen-release", settings.release.encode()),
            (b"fngen-allocation", settings.allocation.encode()),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event of the server: a request, a socket, the lifespan."""
        if scope["type"] not in ("http", "websocket"):
            await self._lifespan(scope, receive, send)
            return
        scope = _unmistakable(scope)
        is_check = self._is_check(scope)
        told = self._as_verdict(send) if is_check else send
        exchange = _Exchange(self._probe, self._traffic, told, scope, quiet=is_check)
        request_id.set(exchange.id.decode())
        if not is_check:
            self._traffic.note()
        elif self._traffic.draining:
            await _answer(exchange.send, 503, b"draining\n")
            return
        else:
            await self._check(exchange, receive)
            return
        await self._serve(exchange, receive)

    async def _serve(self, exchange: _Exchange, receive: Receive) -> None:
        try:
            await self.app(exchange.scope, receive, exchange.send)
        except Exception as error:
            await exchange.fail(error)
        finally:
            exchange.told()

    async def _check(self, exchange: _Exchange, receive: Receive) -> None:
        """Serve a health check; what it fails with is kept for the control plane."""
        with noticed.errors() as errors:
            await self._serve(exchange, receive)
        if exchange.status != 500:
            self._failing = ""
            return
        record = cause.of_text("request", "")
        if errors:
            record = cause.of_error("request", errors[-1])
        if self._failing != record.get("id"):
            cause.write(record)
            self._failing = record.get("id")

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

    def _is_check(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["path"] != self._health:
            return False
        # What came through the router says for whom, and is never a check: a stranger
        # must not have an answer under another status than people get.
        names = {name for name, _ in scope["headers"]}
        return (b"fngen-check", b"1") in scope["headers"] and b"x-forwarded-for" not in names

    def _as_verdict(self, send: Send) -> Send:
        """Answer a check by 200 when the application is well, else by its own status.

        This is the one place that knows which answers are good ones. Who asks,
        Consul and the control plane, goes by 2xx and has no redirect to follow.
        """

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < self._well_below:
                message = {**message, "status": 200}
            await send(message)

        return tell


class _Exchange:
    """One request and what was answered so far."""

    def __init__(
        self, probe: Headers, traffic: Traffic, send: Send, scope: Scope, quiet: bool
    ) -> None:
        self._begin = time.perf_counter()
        headers: Headers = list(scope["headers"])
        given = [value for name, value in headers if name == b"x-request-id"]
        self.id = _valid(given) or os.urandom(16).hex().encode()
        if given != [self.id]:
            headers = [pair for pair in headers if pair[0] != b"x-request-id"]
            headers.append((b"x-request-id", self.id))
            scope = {**scope, "headers": headers}
        self.scope = scope
        self._extra = probe if any(name == b"fngen-probe" for name, _ in headers) else []
        self._traffic = traffic
        self._send = send
        self._is_http = scope["type"] == "http"
        # Health checks come every second, and are told of where they fail.
        self._told = quiet or not self._is_http
        self._started = self._complete = False
        self.status = 0

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind in _STARTS:
            self._started = True
            self.status = message.get("status", 0)
            message = {**message, "headers": self._headers(message, kind)}
        elif kind == "http.response.body" and not message.get("more_body"):
            self._complete = True
        await self._send(message)
        if self._complete:
            self.told()

    def told(self) -> None:
        """Tell of the request, once: when it is answered, or will never be."""
        if self._told:
            return
        self._told = True
        duration = time.perf_counter() - self._begin
        access.note(self.scope["method"], self.scope["path"], self.status, duration)

    def _headers(self, message: Message, kind: str) -> Headers:
        headers: Headers = list(message.get("headers") or [])
        names = {name.lower() for name, _ in headers}
        if b"x-request-id" not in names:
            headers.append((b"x-request-id", self.id))
        headers += self._extra
        if self._traffic.draining and kind == "http.response.start":
            # The next request of this connection belongs to another instance.
            headers = [pair for pair in headers if pair[0].lower() != b"connection"]
            headers.append((b"connection", b"close"))
        return headers

    async def fail(self, error: Exception) -> None:
        """Log an error that the application let through, and answer if it did not.

        An error after a complete answer is only logged: the server would close
        the connection, which a proxy may have used for its next request.
        """
        noticed.note(error)
        told = {"fngen_error": cause.identity(error)}
        _log.error("%s", person_traceback(error).rstrip(), extra=told)
        if self._is_http and not self._started:
            await _answer(self.send, 500, b"Internal Server Error")
        elif not (self._is_http and self._complete):
            raise BrokenAnswerError from None


class BrokenAnswerError(Exception):
    """The answer broke off; what caused it has been logged."""


def _unmistakable(scope: Scope) -> Scope:
    """Drop the headers with an underscore in their name.

    In the environment of WSGI, and wherever else names become variables, X_Forwarded_For
    is X-Forwarded-For: a stranger's header would pass for the one that the router sets.
    """
    headers = [pair for pair in scope["headers"] if b"_" not in pair[0]]
    return scope if len(headers) == len(scope["headers"]) else {**scope, "headers": headers}


def _valid(given: list[bytes]) -> bytes | None:
    return given[0] if given and _ID.fullmatch(given[0]) else None


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
