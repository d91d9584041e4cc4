"""One connection: what came over it, and what goes back."""

from __future__ import annotations

import contextlib
import selectors
import socket
from time import monotonic

from fngen.runtime.limits import Limits
from fngen.runtime.wsgi.body import SMALL_BYTES, BrokenBodyError, LargeBodyError
from fngen.runtime.wsgi.parser import Parser, Request

# How long the other side may let us wait, in the middle of a request or an answer.
PATIENCE_SECONDS = 60.0
# For what is still on its way when an answer says that the connection is closed.
_LINGER_SECONDS = 5.0
_RECEIVED_BYTES = 64 * 1024

# The one that needs no file descriptor of its own.
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


class GoneError(OSError):
    """The client has gone, or does not take its answer."""


class Connection:
    """A socket that never blocks; only who serves it, or the leader, may touch it."""

    def __init__(self, sock: socket.socket, peer: tuple[str, int], limits: Limits) -> None:
        self.socket = sock
        self.peer = peer
        self.busy = False
        # Not looked at for events at the moment: it had one while it was busy.
        self.parked = False
        self.closed = False
        self._lingers = False
        self._limits = limits
        self._parser = Parser(limits.head_bytes)
        self._last = monotonic()

    def receive(self) -> bool:
        """Take what has come; say whether there is something to answer."""
        data = self._recv()
        if data is None:
            return False
        if not data:
            self.close()
            return False
        self._last = monotonic()
        if self._lingers:
            return False
        self._parser.feed(data)
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
        self._last = monotonic()
        requests = self._parser.requests
        if request.complete:
            requests.popleft()
        else:
            request.dropped = True  # the rest of the body is read and forgotten
            request.chunks.clear()
        if not keep:
            self.finish()

    def finish(self) -> None:
        """Close it so that the answer arrives: what still comes must not reset it."""
        self._lingers = True
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)
        if self._parser.requests or self._parser.closed:
            return  # more may come; the client, or time, ends it
        self.close()

    def close(self) -> None:
        """Close it at once."""
        self.closed = True

    def is_late(self, now: float) -> bool:
        """Say whether the other side has had its time."""
        waited = now - self._last
        if self._lingers:
            return waited > _LINGER_SECONDS
        limit = (
            PATIENCE_SECONDS if self._parser.within_a_request else self._limits.keep_alive_seconds
        )
        return waited > limit

    def is_idle(self) -> bool:
        """Say whether it is between two requests."""
        return not self.busy and not self._parser.within_a_request

    def more(self) -> None:
        """Wait for the next part of a body."""
        if self._parser.closed:
            raise BrokenBodyError("the body is no HTTP")
        if not _wait(self.socket, selectors.EVENT_READ):
            raise BrokenBodyError(f"the body did not come in {PATIENCE_SECONDS:.0f} s")
        data = self._recv()
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
            if not _wait(self.socket, selectors.EVENT_WRITE):
                self.close()
                raise GoneError(f"the answer was not taken in {PATIENCE_SECONDS:.0f} s")
            try:
                rest = rest[self.socket.send(rest) :]
            except BlockingIOError:
                continue
            except OSError as error:
                self.close()
                raise GoneError(*error.args) from None

    def _recv(self) -> bytes | None:
        try:
            return self.socket.recv(_RECEIVED_BYTES)
        except BlockingIOError:
            return None
        except OSError:
            return b""


def _wait(sock: socket.socket, what: int) -> bool:
    with _Selector() as selector:
        selector.register(sock, what)
        return bool(selector.select(PATIENCE_SECONDS))
