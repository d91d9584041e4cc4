"""The outermost layer of an application of ASGI: request id, probe, drain, errors."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, MutableMapping
from typing import Any, Callable

from fngen.runtime import cause, identity, request_errors
from fngen.runtime.checks import Checks
from fngen.runtime.context import request_id
from fngen.runtime.cycle import Cycle
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
App = Callable[[Any, Any, Any], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_ID = b"x-request-id"
_STARTS = ("websocket.accept", "websocket.http.response.start")
_log = logging.getLogger("fngen")


class Edge:
    """An ASGI application around the person's, which is set once it is loaded.

    A request of HTTP comes with its cycle, to which the application sends by itself. Each
    goes through here, so the fields are looked at once, and nothing is made that most
    requests do not need.
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

    async def serve(self, cycle: Cycle) -> None:
        """Serve one request of HTTP."""
        scope: Any = cycle.scope
        fields, name = self._received(scope)
        cycle.name, cycle.traffic = name, self._traffic
        if b"fngen-probe" in fields:
            cycle.extra = self._answered(fields)
            cycle.quiet = self._probes.ours(_text(fields[b"fngen-probe"]))
        note = self._slot.begin(scope["method"], scope["path"], name)
        self._in_work += 1
        try:
            if b"fngen-check" in fields and self._is_check(scope, fields):
                await self._check(cycle)
            else:
                cycle.began = self._traffic.note()
                if self._overload.refuses(self._in_work):
                    cycle.extra = ((b"retry-after", self._overload.retry_after.encode()),)
                    await cycle.answer(503, b"overloaded\n")
                else:
                    await self.app(scope, cycle.receive, cycle.send)
                    if not cycle.response_complete:
                        await cycle.left()
        except Exception as error:
            await self._fail(cycle, error)
        except BaseException as error:
            cycle.logger.error("Exception in ASGI application\n", exc_info=error)
            await cycle.give_up()
        finally:
            self._in_work -= 1
            self._slot.end(note)
            cycle.told()
            cycle.on_response = _nothing  # what refers to itself is freed late

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve what is no request of HTTP: a WebSocket, or the lifespan."""
        if scope["type"] != "websocket":
            await self._lifespan(scope, receive, send)
            return
        fields, name = self._received(scope)
        extra = self._answered(fields) if b"fngen-probe" in fields else ()
        note = self._slot.begin("GET", scope["path"], name)
        self._in_work += 1

        def send_named(message: Message) -> Awaitable[None]:
            if message["type"] in _STARTS:
                headers = [*(message.get("headers") or ()), *extra]
                if not any(field.lower() == _ID for field, _ in headers):
                    headers.append((_ID, name.encode()))
                message = {**message, "headers": headers}
            return send(message)

        try:
            self._traffic.note()
            if self._overload.refuses(self._in_work):
                await send({"type": "websocket.close", "code": 1013})  # try again later
                return
            await self.app(scope, receive, send_named)
        except Exception as error:
            _tell(error)
            raise BrokenAnswerError from None
        finally:
            self._in_work -= 1
            self._slot.end(note)

    def _received(self, scope: Scope) -> tuple[dict[bytes, bytes], str]:
        """Return the fields of a request, and its id, of which it is from now on."""
        fields = _unmistakable(scope)
        name = _identify(scope, fields)
        if b"x-forwarded-for" in fields or b"x-forwarded-proto" in fields:
            self._through_proxy(scope, fields)
        request_id.set(name)
        return fields, name

    def _answered(self, fields: dict[bytes, bytes]) -> tuple[tuple[bytes, bytes], ...]:
        """Return the fields by which a probe is answered."""
        answer = self._probes.answer(_text(fields[b"fngen-probe"]))
        return tuple((name.encode(), value.encode()) for name, value in answer)

    async def _check(self, cycle: Cycle) -> None:
        """Serve a health check; what it fails with is kept for the control plane."""
        cycle.quiet = True  # they come every second, and are told of where they fail
        if self._traffic.draining:
            await cycle.answer(503, b"draining\n")
            return
        cycle.well_below = self._checks.well_below
        with request_errors.collect() as errors:
            try:
                await self.app(cycle.scope, cycle.receive, cycle.send)
                await cycle.left()
            except Exception as error:
                await self._fail(cycle, error)
        self._checks.keep(cycle.status, errors)

    async def _fail(self, cycle: Cycle, error: Exception) -> None:
        """Log an error that the application let through, and answer if it did not.

        An error after a complete answer is only logged: to close the connection would
        break what a proxy may have used it for, its next request.
        """
        _tell(error)
        if not cycle.response_started and not cycle.status:
            await cycle.answer(500, b"Internal Server Error")
        elif not cycle.response_complete:
            cycle.transport.close()

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


class BrokenAnswerError(Exception):
    """A WebSocket broke off; what caused it has been logged."""


def _tell(error: Exception) -> None:
    request_errors.note(error)
    told = {"fngen_error": cause.identity(error)}
    _log.error("%s", person_traceback(error).rstrip(), extra=told)


def _text(value: bytes) -> str:
    return value.decode("latin-1")


def _nothing() -> None: ...


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
