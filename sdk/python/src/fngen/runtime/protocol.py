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
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from fngen.runtime.cycle import Cycle
from fngen.runtime.edge import Edge
from fngen.runtime.limits import PACE_BYTES, Limits

_PHRASES = {
    400: b"400 Bad Request",
    408: b"408 Request Timeout",
    413: b"413 Content Too Large",
    431: b"431 Request Header Fields Too Large",
}
# For what is still on its way when a request is refused.
_LINGER_SECONDS = 5.0


class Protocol(HttpToolsProtocol):
    """One connection."""

    # Of the server that is served.
    limits = Limits()
    edge: Edge

    _idle_since = 0.0
    # What has come of the request that comes: of its head, and while that is not complete.
    _in_head = _refused = False
    _head_bytes = _raw_bytes = _body_bytes = _came = 0
    _refusal = 400
    # Whether a body is to come, and has been waited for by the application alone.
    _in_body = _held = False
    # Runs only while a head or a body is waited for: most requests come in one piece.
    _pace_timer: asyncio.TimerHandle | None = None

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
        self._stop_pace()

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to the protocol of WebSockets."""
        super()._unset_keepalive_if_required()
        self._stop_pace()
        super().handle_websocket_upgrade()

    def _unset_keepalive_if_required(self) -> None:
        """Leave the timer alone: it looks for itself."""

    def _rest(self, seconds: float) -> None:
        self._idle_since = self.loop.time()
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self._look)

    def _look(self) -> None:
        if self.transport.is_closing():
            return
        if self._in_head or (self.cycle is not None and not self.cycle.response_complete):
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
            self._start(self.pipeline.pop()[0])

    # The pace: a head that is not whole in time, or a body that comes too slowly.

    def _stop_pace(self) -> None:
        if self._pace_timer is not None:
            self._pace_timer.cancel()
            self._pace_timer = None

    def _watch_pace(self) -> None:
        self._came, self._held = 0, False
        self._pace_timer = self.loop.call_later(self.limits.pace_seconds, self._judge_pace)

    def _judge_pace(self) -> None:
        self._pace_timer = None
        if self._refused or self.transport.is_closing():
            return
        if self._in_body:
            cycle = self.cycle
            # Whose turn it is: ours while nothing is read, or not asked for.
            ours = self._held or self.flow.read_paused or cycle.waiting_for_100_continue
            if ours or self._came >= PACE_BYTES:
                self._watch_pace()
                return
            if cycle.response_complete:
                self.transport.close()  # the rest of a body that nobody reads
                return
        self._refuse(408)

    # What is refused.

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if self._refused:
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            if self._refusal == 400:
                self.logger.warning("what came is no request of HTTP")
            self._refuse(self._refusal)
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
        if self._in_head:
            self._raw_bytes += len(data)
            if self._raw_bytes > 2 * self.limits.head_bytes and not self._refused:
                self._refuse(431)  # a field that does not end
        if self._pace_timer is None and (self._in_head or self._in_body):
            self._watch_pace()

    def _refuse(self, status: int) -> None:
        """Answer in the application's place, and take no more from the connection."""
        self._refused = True
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self.transport.close()
                return
        phrase = _PHRASES[status]
        text = phrase[4:].lower() + b"\n"
        self.transport.write(
            b"HTTP/1.1 %b\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%b" % (phrase, len(text), text)
        )
        # Closed at once, what still comes would reset it, and the answer with it.
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        super()._unset_keepalive_if_required()
        self._stop_pace()
        self.timeout_keep_alive_task = self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    def _grow(self, count: int) -> None:
        self._head_bytes += count
        if self._head_bytes > self.limits.head_bytes:
            self._refusal = 431
            raise ValueError("the head is too large")  # httptools makes an error of its own of it

    # What httptools calls.

    def on_message_begin(self) -> None:
        """Forget the head before."""
        self._in_head = True
        self._head_bytes = self._raw_bytes = self._body_bytes = 0
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        self.url += url
        self._grow(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one field of the head."""
        self._grow(len(name) + len(value) + 4)
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        elif name == b"content-length" and 0 < self.limits.body_bytes < int(value):
            self._refusal = 413
            raise ValueError("the body is too large")
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Begin to serve the request."""
        self._in_head = False
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
        self.cycle = cycle = Cycle(
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
        self._in_body = True
        if self._pace_timer is not None:
            self._stop_pace()
        if before is None or before.response_complete:
            self._start(cycle)
        else:
            self._held = True
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if self._refused:
            return
        self._body_bytes += len(body)
        if 0 < self.limits.body_bytes < self._body_bytes:
            self._refuse(413)
            return
        self._came += len(body)
        super().on_body(body)
        self._held |= self.flow.read_paused

    def on_message_complete(self) -> None:
        """Note that the body is whole."""
        self._in_body = False
        if self._pace_timer is not None:
            self._stop_pace()
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and not self._is_upgrade():
            cycle.more_body = False
            cycle.message_event.set()

    def _is_upgrade(self) -> bool:
        return bool(self.parser.should_upgrade() and self._should_upgrade())

    def _start(self, cycle: Any) -> None:
        task = self.loop.create_task(self.edge.serve(cycle))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


def _split(url: bytes) -> tuple[bytes, bytes]:
    """Return path and query of a target."""
    if url.startswith(b"/") and b"#" not in url:
        path, _, query = url.partition(b"?")
        return path, query
    parsed = httptools.parse_url(url)
    return parsed.path, parsed.query or b""
