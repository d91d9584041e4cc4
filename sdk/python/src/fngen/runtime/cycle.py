"""One request of HTTP for an application of ASGI, and its answer.

uvicorn's, with head and body in one piece and with what the edge has to do with an answer:
the application sends to it without anything between.
"""

from __future__ import annotations

from time import monotonic
from typing import Any

from uvicorn.protocols.http import httptools_impl as uvicorn_http
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from fngen.runtime import access
from fngen.runtime.traffic import Traffic

_ID = b"x-request-id"
_NO_BODY = (204, 304)
# A body up to this size goes out with its head, in one piece.
_SMALL_BYTES = 64 * 1024


class Cycle(RequestResponseCycle):
    """One request and its answer."""

    # The head of an answer until the first of its body, where that follows at once.
    _head = b""

    # What the edge knows of the request, set before the application is called.
    name = ""
    traffic: Traffic
    began = 0.0
    # Fields that the answer has beside the application's.
    extra: tuple[tuple[bytes, bytes], ...] = ()
    # An answer below this status goes out as 200.
    well_below = 0
    # Whether there is nothing to tell of it, or that is done.
    quiet = False
    # What was answered, or would have been if the client were still there; 0 is nothing.
    status = 0

    async def send(self, message: Any) -> None:
        """Take what the application sends."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        kind = message["type"]
        if self.disconnected:
            self._unheard(kind, message)
            return
        if not self.response_started:
            _expect(kind, "http.response.start")
            self.response_started = True
            self.waiting_for_100_continue = False
            status = message["status"]
            self.status = status = 200 if status < self.well_below else status
            head = self._made_head(status, message.get("headers") or ())
            # An answer without a length is a stream: its client waits for the head.
            if self.chunked_encoding:
                self.transport.write(head)
            else:
                self._head = head
            return
        if self.response_complete:
            raise RuntimeError(f"{kind!r} was sent after the answer was complete")
        _expect(kind, "http.response.body")
        is_last = not message.get("more_body", False)
        if is_last:
            self.told()
        self._send_body(message.get("body", b""), is_last)

    async def answer(self, status: int, body: bytes) -> None:
        """Answer in the application's place."""
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
        ]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    async def left(self) -> None:
        """Answer for an application that has returned and did not."""
        if not self.response_complete and not self.disconnected:
            what = "completing" if self.response_started else "starting"
            self.logger.error("ASGI callable returned without %s response.", what)
            await self.give_up()

    async def give_up(self) -> None:
        """End what the application has not answered, or not to its end."""
        if self.response_started:
            self.transport.close()
        else:
            await self.send_500_response()

    def told(self) -> None:
        """Tell of the request, once: when it is answered, or will never be."""
        if not self.quiet:
            self.quiet = True
            seconds = monotonic() - self.began
            access.note(self.scope["method"], self.scope["path"], self.status, seconds)

    def _unheard(self, kind: str, message: Any) -> None:
        """Take what nobody is there for any more."""
        if kind == "http.response.start":
            self.status = self.status or message["status"]
        elif not message.get("more_body", False):
            self.told()

    def _made_head(self, status: int, headers: Any) -> bytes:
        lines = [uvicorn_http.STATUS_LINE[status], _default_lines(self.default_headers)]
        if is_draining := self.traffic.draining:
            # The next request of this connection belongs to another instance.
            self.keep_alive = False
        closes = is_named = False
        invalid_name = uvicorn_http.HEADER_RE.search
        invalid_value = uvicorn_http.HEADER_VALUE_RE.search
        for name, value in (*headers, *self.extra) if self.extra else headers:
            if invalid_name(name) or invalid_value(value):
                raise RuntimeError(f"the field {name!r} of the answer is no field of HTTP")
            name = name.lower()
            if name == b"content-length":
                if self.chunked_encoding is None:
                    self.expected_content_length = int(value)
                    self.chunked_encoding = False
            elif name == b"transfer-encoding":
                if value.lower() == b"chunked":
                    self.expected_content_length = 0
                    self.chunked_encoding = True
            elif name == b"connection":
                if is_draining:
                    continue
                if b"close" in value.lower():
                    self.keep_alive = False
                    closes = True
            elif name == _ID:
                is_named = True
            lines.append(b"%b: %b\r\n" % (name, value))
        if not is_named:
            lines.append(b"x-request-id: %b\r\n" % self.name.encode())
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


_default: tuple[Any, bytes] = ([], b"")


def _default_lines(headers: Any) -> bytes:
    """Write the fields that every answer has; uvicorn makes others each second."""
    global _default
    if _default[0] is not headers:
        _default = (headers, b"".join(b"%b: %b\r\n" % pair for pair in headers))
    return _default[1]
