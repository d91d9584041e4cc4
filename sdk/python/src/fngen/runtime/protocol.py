"""HTTP/1.1 for applications of ASGI: uvicorn's protocol, with less work for each request.

What is its own here is what every request pays for: head and body of a small answer go
out in one piece, a connection has one timer for all of its life, and the scope is made
at once. All else, such as what is pipelined or becomes a WebSocket, is as uvicorn has it.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http import httptools_impl as uvicorn_http
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

_NO_BODY = (204, 304)
# A body up to this size goes out with its head, in one piece.
_SMALL_BYTES = 64 * 1024


class Protocol(HttpToolsProtocol):
    """One connection."""

    _idle_since = 0.0

    # The timer: one for a connection, which looks when it was used last. uvicorn has one
    # for each answer, and takes it back with the next request.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._scheme = self.scheme or "http"
        self._rest(self.timeout_keep_alive)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer with the connection."""
        super().connection_lost(exc)
        super()._unset_keepalive_if_required()

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to the protocol of WebSockets."""
        super()._unset_keepalive_if_required()
        super().handle_websocket_upgrade()

    def _unset_keepalive_if_required(self) -> None:
        """Leave the timer alone: it looks for itself."""

    def _rest(self, seconds: float) -> None:
        self._idle_since = self.loop.time()
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self._look)

    def _look(self) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            left = float(self.timeout_keep_alive)
        else:
            left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left <= 0:
            self.transport.close()
            return
        self.timeout_keep_alive_task = self.loop.call_later(left, self._look)

    def on_response_complete(self) -> None:
        """Go on with the request that came meanwhile, or wait for the next."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self._idle_since = self.loop.time()
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start(cycle, app)

    # What httptools calls.

    def on_message_begin(self) -> None:
        """Forget the head before."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one field of the head."""
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Begin to serve the request."""
        parser = self.parser
        version = parser.get_http_version()
        raw_path, query = _split(self.url)
        path = raw_path.decode("ascii")
        if "%" in path:
            path = unquote(path)
        scope: Any = {
            "type": "http",
            "asgi": {"version": self.config.asgi_version, "spec_version": "2.3"},
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self._scheme,
            "root_path": "",
            "headers": self.headers,
            "state": self.app_state.copy(),
            "method": parser.get_method().decode("ascii"),
            "path": path,
            "raw_path": raw_path,
            "query_string": query,
        }
        self.scope = scope
        if parser.should_upgrade() and self._should_upgrade():
            return
        before = self.cycle
        self.cycle = cycle = _Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def _start(self, cycle: RequestResponseCycle, app: Any) -> None:
        task = self.loop.create_task(cycle.run_asgi(app))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


class _Cycle(RequestResponseCycle):
    """One request and its answer."""

    # The head of an answer until the first of its body, where that follows at once.
    _head = b""

    async def send(self, message: Any) -> None:
        """Take what the application sends."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        kind = message["type"]
        if not self.response_started:
            _expect(kind, "http.response.start")
            self.response_started = True
            self.waiting_for_100_continue = False
            head = self._made_head(message["status"], message.get("headers") or ())
            # An answer without a length is a stream: its client waits for the head.
            if self.chunked_encoding:
                self.transport.write(head)
            else:
                self._head = head
            return
        if self.response_complete:
            raise RuntimeError(f"{kind!r} was sent after the answer was complete")
        _expect(kind, "http.response.body")
        self._send_body(message.get("body", b""), not message.get("more_body", False))

    def _made_head(self, status: int, headers: Any) -> bytes:
        lines = [uvicorn_http.STATUS_LINE[status]]
        closes = False
        invalid_name = uvicorn_http.HEADER_RE.search
        invalid_value = uvicorn_http.HEADER_VALUE_RE.search
        for name, value in [*self.default_headers, *headers]:
            if invalid_name(name) or invalid_value(value):
                raise RuntimeError(f"the field {name!r} of the answer is no field of HTTP")
            name = name.lower()
            if name == b"content-length" and self.chunked_encoding is None:
                self.expected_content_length = int(value)
                self.chunked_encoding = False
            elif name == b"transfer-encoding" and value.lower() == b"chunked":
                self.expected_content_length = 0
                self.chunked_encoding = True
            elif name == b"connection" and b"close" in value.lower():
                self.keep_alive = False
                closes = True
            lines.append(b"%b: %b\r\n" % (name, value))
        if not self.keep_alive and not closes:
            lines.append(b"connection: close\r\n")
        may_have_a_body = self.scope["method"] != "HEAD" and status not in _NO_BODY
        if self.chunked_encoding is None and may_have_a_body:
            self.chunked_encoding = True
            lines.append(b"transfer-encoding: chunked\r\n")
        lines.append(b"\r\n")
        return b"".join(lines)

    def _send_body(self, body: bytes, is_last: bool) -> None:
        if self.scope["method"] == "HEAD":
            self.expected_content_length = 0
            body = b""
        elif self.chunked_encoding:
            body = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            if is_last:
                body += b"0\r\n\r\n"
        else:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0:
                raise RuntimeError("the answer is longer than its content-length")
        if self._head:
            head, self._head = self._head, b""
            if len(body) > _SMALL_BYTES:
                self.transport.write(head)
            else:
                body = head + body
        if body:
            self.transport.write(body)
        if is_last:
            self._finish()

    def _finish(self) -> None:
        if self.expected_content_length != 0:
            raise RuntimeError("the answer is shorter than its content-length")
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


def _expect(kind: str, wanted: str) -> None:
    if kind != wanted:
        raise RuntimeError(f"the application sent {kind!r} where {wanted!r} was due")


def _split(url: bytes) -> tuple[bytes, bytes]:
    """Return path and query of a target."""
    if url.startswith(b"/") and b"#" not in url:
        path, _, query = url.partition(b"?")
        return path, query
    parsed = httptools.parse_url(url)
    return parsed.path, parsed.query or b""
