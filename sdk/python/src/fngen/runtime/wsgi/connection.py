"""One connection: what came over it, and what goes back.

Nobody waits for the other side in one of the threads that serve: heads and small bodies
are gathered by the thread that leads, and who must wait in the middle of a large body or
answer leaves its place to another meanwhile (crew.py).
"""

from __future__ import annotations

import contextlib
import selectors
import socket
from time import monotonic
from typing import Protocol

from fngen.runtime.limits import Limits, Pace
from fngen.runtime.wsgi import answer
from fngen.runtime.wsgi.body import (
    SMALL_BYTES,
    BrokenBodyError,
    CrowdedError,
    LargeBodyError,
    SlowBodyError,
)
from fngen.runtime.wsgi.parser import Parser, Request

# How long the other side may take none of its answer.
_PATIENCE_SECONDS = 60.0
# For how long in all, in one request, its thread waits without leaving its place: what is
# on its way is mostly there by then.
_IN_PLACE_SECONDS = 0.2
# For what is still on its way when an answer says that the connection is closed.
_LINGER_SECONDS = 5.0
_RECEIVED_BYTES = 64 * 1024

# The one that needs no file descriptor of its own.
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


class GoneError(OSError):
    """The client has gone, or does not take its answer."""


class Places(Protocol):
    """Where the thread that serves a connection leaves its place while it waits."""

    def leave(self, connection: Connection) -> bool:
        """Leave the place; say whether there was room to wait beside."""

    def enter(self, connection: Connection) -> None:
        """Take a place again, after leave."""


class Connection:
    """A socket that never blocks; only who serves it, or the leader, may touch it."""

    def __init__(
        self, sock: socket.socket, peer: tuple[str, int], limits: Limits, places: Places
    ) -> None:
        self.socket = sock
        self.peer = peer
        self.busy = False
        # The thread that serves it, of the crew's.
        self.member: object = None
        # Not looked at for events at the moment: it had one while it was busy.
        self.parked = False
        self.closed = False
        self._lingers = False
        self._limits = limits
        self._places = places
        self._parser = Parser(limits.head_bytes)
        # Since when there is neither head nor body, since when there is a part of a head, and
        # since when the pace of a body is not looked at.
        self._last = monotonic()
        self._head_since = self._body_since = 0.0
        self._pace = Pace(limits.pace_seconds)
        self._received = 0
        self._in_place = _IN_PLACE_SECONDS

    def receive(self) -> bool:
        """Take what has come; say whether there is something to answer."""
        data = self._recv()
        if data is None:
            return False
        if not data:
            self.close()
            return False
        if self._lingers:
            return False
        self._parser.feed(data)
        if self._parser.within_a_head:
            self._head_since = self._head_since or monotonic()
        elif self._parser.within_a_body:
            self._head_since, self._received = 0.0, self._received + len(data)
            self._body_since = self._body_since or monotonic()
        else:
            self._head_since = 0.0
        return self.has_next()

    def has_next(self) -> bool:
        """Say whether a request may be served, or is to be refused."""
        if self._lingers:
            return False
        requests = self._parser.requests
        if not requests:
            return bool(self._parser.refusal)
        first = requests[0]
        if first.dropped:
            if not first.complete:
                return self._parser.closed
            requests.popleft()
            return self.has_next()
        if first.complete or self._parser.closed:
            return True
        if first.expects:
            return True  # it is the application that wants the body or not
        length = first.length
        return first.received > SMALL_BYTES if length is None else length > SMALL_BYTES

    def take(self) -> Request | None:
        """Return the next request, or None when what came is none."""
        requests = self._parser.requests
        if not requests or requests[0].dropped:
            return None
        if self._parser.closed and not requests[0].complete:
            return None  # the rest of it was no HTTP
        return requests[0]

    @property
    def refusal(self) -> int:
        """The status for what is no request."""
        return self._parser.refusal or 400

    def done(self, request: Request, keep: bool) -> None:
        """Note that request was answered; without keep the connection ends here."""
        self._last = self._body_since = monotonic()
        self._pace, self._received = Pace(self._limits.pace_seconds), 0
        self._in_place = _IN_PLACE_SECONDS
        requests = self._parser.requests
        if request.complete:
            self._body_since = 0.0
            requests.popleft()
        else:
            request.dropped = True  # the rest of the body is read and forgotten
            request.chunks.clear()
        if not keep:
            self.finish()

    def finish(self) -> None:
        """Close it so that the answer arrives: what still comes must not reset it."""
        self._linger()
        # Where more may come, the client ends it, or time.
        if not self._parser.requests and not self._parser.closed:
            self.close()

    def _linger(self) -> None:
        self._lingers, self._last = True, monotonic()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close it at once."""
        self.closed = True

    def is_late(self, now: float) -> bool:
        """Say whether the other side has had its time."""
        if self._lingers:
            return now - self._last > _LINGER_SECONDS
        if self._parser.within_a_body:
            waited, self._body_since = now - self._body_since, now
            received, self._received = self._received, 0
            return self._pace.is_slow(waited, received)
        if self._head_since:
            return now - self._head_since > self._limits.pace_seconds
        return now - self._last > self._limits.keep_alive_seconds

    def expire(self) -> None:
        """Close it since it is late, and say so in the middle of a request."""
        unanswered = bool(self._head_since)
        if self._parser.within_a_body:
            unanswered = not self._parser.requests[-1].dropped
        if self._lingers or not unanswered:
            self.close()
            return
        text: list[bytes] = []
        answer.of_text(text.append, "408 Request Timeout", "request timeout\n")
        with contextlib.suppress(OSError):
            self.socket.send(b"".join(text))
        self._linger()

    def is_idle(self) -> bool:
        """Say whether it is between two requests."""
        parser = self._parser
        return not self.busy and not parser.within_a_head and not parser.within_a_body

    def more(self) -> None:
        """Receive the next part of a body; it is waited for."""
        if self._parser.closed:
            raise BrokenBodyError("the body is no HTTP")
        data, waited = self._recv(), 0.0
        if data is None:
            began = monotonic()
            self._wait(selectors.EVENT_READ, self._pace.left)
            waited = monotonic() - began
            data = self._recv()
        if self._pace.is_slow(waited, len(data or b"")):
            raise SlowBodyError("the body comes too slowly")
        if data is None:
            return
        if not data:
            self.close()
            raise BrokenBodyError("the client has gone")
        self._parser.feed(data)
        if self.is_too_large(self._parser.requests[0]):
            raise LargeBodyError("the body is larger than it may be")

    def is_too_large(self, request: Request) -> bool:
        """Say whether the body of request, or what came of it, is more than it may be."""
        most = self._limits.body_bytes
        return bool(most) and max(request.length or 0, request.received) > most

    def send(self, data: bytes) -> None:
        """Send all of data."""
        try:
            sent = self.socket.send(data)
            if sent == len(data):
                return
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self.close()
            raise GoneError(*error.args) from None
        self._send_rest(memoryview(data)[sent:])

    def _send_rest(self, rest: memoryview) -> None:
        while rest:
            if not self._wait(selectors.EVENT_WRITE, _PATIENCE_SECONDS):
                self.close()
                raise GoneError(f"the answer was not taken in {_PATIENCE_SECONDS:.0f} s")
            try:
                rest = rest[self.socket.send(rest) :]
            except BlockingIOError:
                continue
            except OSError as error:
                self.close()
                raise GoneError(*error.args) from None

    def _wait(self, what: int, seconds: float) -> bool:
        """Wait for the other side, in place for a moment and then beside those that serve."""
        if self._in_place > 0:
            began = monotonic()
            ready = _is_ready(self.socket, what, min(self._in_place, seconds))
            waited = monotonic() - began
            self._in_place -= waited
            if ready or waited >= seconds:
                return ready
            seconds -= waited
        if not self._places.leave(self):
            if what == selectors.EVENT_READ:
                raise CrowdedError("too many bodies are waited for")
            return _is_ready(self.socket, what, seconds)
        try:
            return _is_ready(self.socket, what, seconds)
        finally:
            self._places.enter(self)

    def _recv(self) -> bytes | None:
        try:
            return self.socket.recv(_RECEIVED_BYTES)
        except BlockingIOError:
            return None
        except OSError:
            return b""


def _is_ready(sock: socket.socket, what: int, seconds: float) -> bool:
    with _Selector() as selector:
        selector.register(sock, what)
        return bool(selector.select(seconds))
