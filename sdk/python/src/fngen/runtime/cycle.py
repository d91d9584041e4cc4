"""One answer of an application of ASGI: uvicorn's, with head and body in one piece."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http import httptools_impl as uvicorn_http
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

_NO_BODY = (204, 304)
# A body up to this size goes out with its head, in one piece.
_SMALL_BYTES = 64 * 1024


class Cycle(RequestResponseCycle):
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
