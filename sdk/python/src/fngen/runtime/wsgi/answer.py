"""What an application answers, as the bytes of HTTP/1.1."""

from __future__ import annotations

import time
from email.utils import formatdate
from types import TracebackType
from typing import Any, Callable, Optional

from fngen.runtime.traffic import Traffic

Headers = list[tuple[str, str]]
ExcInfo = Optional[tuple[type[BaseException], BaseException, TracebackType]]

# Those of the connection are the server's to say.
_OF_THE_CONNECTION = ("connection", "keep-alive", "transfer-encoding", "upgrade", "trailer", "te")


class Answer:
    """One answer. The first part of the body goes out with the head, in one piece.

    extra are fields that are added; one of them is left out where the application says it.
    A status below well_below goes out as 200.
    """

    traffic: Traffic | None = None
    well_below = 0

    def __init__(
        self, send: Callable[[bytes], None], version: str, method: str, keep_alive: bool
    ) -> None:
        self._send = send
        self._is_old = version == "1.0"
        self._is_head = method == "HEAD"
        self.keep_alive = keep_alive
        self.status = 0
        self.extra: Headers = []
        self._line = ""
        self._headers: Headers = []
        self._chunked = False
        self._left: int | None = None  # of the length that the head promised
        self.begun = self.complete = self._refused = False

    def start(
        self, status: str, headers: Headers, exc_info: ExcInfo = None
    ) -> Callable[[bytes], None]:
        """Take status line and fields: start_response of WSGI."""
        if self._refused:
            return self.write
        if exc_info is not None:
            try:
                if self.begun:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self._line:
            raise AssertionError("start_response was called before")
        self.replace(status, headers)
        return self.write

    def replace(self, status: str, headers: Headers) -> None:
        """Take these in the place of those that have not gone out."""
        self.status = int(status[:3])
        self._line = status
        if self.status < self.well_below:
            self.status, self._line = 200, "200 OK"
        self._headers = list(headers)

    def refuse(self, status: str, text: str) -> None:
        """Answer so, whatever the application says from now on; the connection ends."""
        self.keep_alive = False
        if not self.begun:
            self._refused = True
            self.replace(status, [("content-type", "text/plain; charset=utf-8")])
            self.whole(text.encode())

    def write(self, data: bytes) -> None:
        """Send data, and the head before it if it has not gone."""
        if not self.begun:
            self._begin(data, None)
        elif data:
            self._body(data)

    def finish(self) -> None:
        """Send what is left: the head when there was no body, the end of the chunks."""
        if not self.begun:
            self._begin(b"", 0)
        elif self._chunked:
            self._send(b"0\r\n\r\n")
        self._end()

    def whole(self, data: bytes) -> None:
        """Send data as all of the body."""
        self._begin(data, len(data))
        self._end()

    def _end(self) -> None:
        self.complete = True
        if self._left:
            self.keep_alive = False  # less than was promised: only the end of it tells

    def _begin(self, data: bytes, length: int | None) -> None:
        if not self._line:
            raise AssertionError("the application did not call start_response")
        head = self._head(length)
        self.begun = True
        if self._is_head or self.status in (204, 304) or self.status < 200:
            self._chunked, self._left, data = False, 0, b""
        if data:
            data = self._framed(data)
        self._send(head + data)

    def _body(self, data: bytes) -> None:
        if self._is_head or self.status in (204, 304):
            return
        data = self._framed(data)
        if data:
            self._send(data)

    def _framed(self, data: bytes) -> bytes:
        if self._chunked:
            return b"%x\r\n%b\r\n" % (len(data), data)
        if self._left is not None:
            data = data[: self._left]  # more than was promised would be another answer
            self._left -= len(data)
        return data

    def _head(self, length: int | None) -> bytes:
        """Return the head, for a body of length, if it is known."""
        names = set()
        lines = [f"HTTP/1.1 {self._line}"]
        for name, value in self._headers:
            lower = name.lower()
            if lower == "content-length":
                self._left = int(value)
            elif lower == "connection":
                self.keep_alive &= value.lower() != "close"
            if lower not in _OF_THE_CONNECTION:
                names.add(lower)
                lines.append(f"{name}: {value}")
        lines += [f"{name}: {value}" for name, value in self.extra if name not in names]
        if "date" not in names:
            lines.append(_date())
        if "content-length" not in names and self.status >= 200 and self.status not in (204, 304):
            lines += self._framing(length)
        if self.traffic is not None and self.traffic.draining:
            self.keep_alive = False  # the next request belongs to another instance
        if not self.keep_alive:
            lines.append("connection: close")
        elif self._is_old:
            lines.append("connection: keep-alive")
        text = "\r\n".join(lines)
        if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1:
            self._left, self._chunked = None, False
            raise ValueError("a field of the answer has a line break in it")
        return text.encode("latin-1") + b"\r\n\r\n"

    def _framing(self, length: int | None) -> list[str]:
        if length is not None:
            self._left = length
            return [f"content-length: {length}"]
        if self._is_old:
            self.keep_alive = False
            return []
        self._chunked = True
        return ["transfer-encoding: chunked"]


def of_text(send: Callable[[bytes], None], status: str, text: str) -> None:
    """Send an answer of our own, after which the connection is closed."""
    answer = Answer(send, "1.1", "GET", keep_alive=False)
    answer.start(status, [("content-type", "text/plain; charset=utf-8")])
    answer.whole(text.encode())


_dated: tuple[int, str] = (0, "")


def _date() -> str:
    """Return the field date, made once in a second."""
    global _dated
    now = int(time.time())
    second, line = _dated
    if second != now:
        line = "date: " + formatdate(now, usegmt=True)
        _dated = (now, line)
    return line


def run(app: Any, environ: dict[str, Any], answer: Answer) -> None:
    """Call app and send what it answers."""
    result = app(environ, answer.start)
    try:
        if type(result) in (list, tuple) and len(result) == 1 and not answer.begun:
            answer.whole(result[0])
            return
        for part in result:
            if part:
                answer.write(part)
        answer.finish()
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()
