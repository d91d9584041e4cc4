"""Cut the bytes of a connection into requests."""

from __future__ import annotations

from collections import deque

import httptools

from fngen.runtime.limits import Limits

_TOO_LARGE = 431
_MALFORMED = 400


class Request:
    """A request whose head has been read, and of its body what has come."""

    __slots__ = (
        "chunks",
        "complete",
        "dropped",
        "expects",
        "headers",
        "keep_alive",
        "length",
        "method",
        "received",
        "target",
        "version",
    )

    def __init__(self, method: str, target: bytes, version: str, keep_alive: bool) -> None:
        self.method = method
        self.target = target
        self.version = version
        self.keep_alive = keep_alive
        # Names as they came; those with an underscore in them are left out.
        self.headers: list[tuple[bytes, bytes]] = []
        # As the client says, None for a body in chunks.
        self.length: int | None = 0
        self.expects = False
        self.chunks: deque[bytes] = deque()
        self.received = 0
        self.complete = False
        # Nobody reads what comes of the body any more.
        self.dropped = False


class Parser:
    """Fed with bytes in any pieces, it appends to requests what they make.

    refusal is the status of what is to be answered after them, when what came is no
    HTTP; closed says that nothing that comes is looked at any more.
    """

    def __init__(self, head_bytes: int = Limits.head_bytes) -> None:
        self._most_head_bytes = head_bytes
        self.requests: deque[Request] = deque()
        self.refusal = 0
        self.closed = False
        self._latest: Request | None = None
        self._resuming = False
        # What has come since the request before was complete.
        self._raw = 0
        self._begin()
        self._parser = httptools.HttpRequestParser(self)

    @property
    def within_a_head(self) -> bool:
        """Say whether a head has begun to come and is not whole."""
        return self._head_bytes > 0

    @property
    def within_a_body(self) -> bool:
        """Say whether a head is whole, and its body is not."""
        return self._latest is not None and not self._latest.complete

    def feed(self, data: bytes) -> None:
        """Read what came next."""
        if self.closed:
            return
        if self._latest is None or self._latest.complete:
            self._raw += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as stop:
            self._without_upgrade(data[stop.args[0] :])
        except httptools.HttpParserError:
            self._refuse(self.refusal or _MALFORMED)
        if self._head_bytes and self._raw > 2 * self._most_head_bytes and not self.closed:
            self._refuse(_TOO_LARGE)  # a field that does not end

    def _refuse(self, status: int) -> None:
        # What a client sends after its last request means nothing.
        if self._latest is None or self._latest.keep_alive or not self._latest.complete:
            self.refusal = status
        self.closed = True

    def _without_upgrade(self, rest: bytes) -> None:
        """Go on after a request that asks for another protocol, which it does not get.

        The parser takes what follows for that protocol, also when it is a body. So
        another one is told of the body only, and goes on from there.
        """
        request = self._latest
        if request is None or request.method == "CONNECT":
            self._refuse(_MALFORMED)
            return
        framing = b"Transfer-Encoding: chunked"
        if request.length is not None:
            framing = b"Content-Length: %d" % request.length
        self._parser = httptools.HttpRequestParser(self)
        self._resuming = True
        self._parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n\r\n")
        if rest:
            self.feed(rest)

    # What httptools calls.

    def _begin(self) -> None:
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._length: int | None = 0
        self._expects = False
        self._head_bytes = 0

    def on_message_begin(self) -> None:
        """Forget the head before."""
        if not self._resuming:
            self._begin()
            self._head_bytes = 1

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        self._url += url
        self._grow(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one field of the head; one after the body is dropped."""
        if not self._head_bytes or self._resuming:
            return
        self._grow(len(name) + len(value) + 4)
        # X_Forwarded_For would be X-Forwarded-For in the environment: a stranger's field would
        # pass for the one that the router sets.
        if b"_" in name:
            return
        self._headers.append((name, value))
        if len(name) in (6, 14, 17):
            lower = name.lower()
            if lower == b"content-length":
                self._length = int(value)
            elif lower == b"transfer-encoding":
                self._length = None
            elif lower == b"expect":
                self._expects = value.lower() == b"100-continue"

    def _grow(self, count: int) -> None:
        self._head_bytes += count
        if self._head_bytes > self._most_head_bytes:
            self.refusal = _TOO_LARGE
            raise ValueError("the head is too large")  # httptools makes an error of its own of it

    def on_headers_complete(self) -> None:
        """Make the request."""
        if self._resuming:
            return
        parser = self._parser
        request = Request(
            parser.get_method().decode("latin-1"),
            self._url,
            parser.get_http_version(),
            parser.should_keep_alive(),
        )
        request.headers = self._headers
        request.length = self._length
        request.expects = self._expects and request.version == "1.1"
        self._head_bytes = 0
        self._latest = request
        self.requests.append(request)

    def on_body(self, data: bytes) -> None:
        """Keep a part of the body."""
        request = self._latest
        if request is not None and not request.dropped:
            request.received += len(data)
            request.chunks.append(data)

    def on_message_complete(self) -> None:
        """Note that the body is complete."""
        request = self._latest
        if request is None:
            return
        if not self._resuming and request.length != 0 and self._parser.should_upgrade():
            return  # its body has not been looked for
        self._resuming = False
        request.complete = True
        # What follows may come with it, so that its size cannot be told: it counts anew.
        self._raw = 0
