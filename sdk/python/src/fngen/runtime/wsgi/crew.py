"""The threads that serve: one leads, which is to wait for connections.

    waits --lead--> leads --request--> serves and leads --done--> leads
                                           |
                             the lead was given away, or taken: serves --done--> waits

Who must wait for the client in the middle of a body or an answer leaves its place: another
thread may serve meanwhile, so that no more than so many are ever in the application, and
none of the places is held by a client that is slow.

The one that leads serves what it finds itself, so that no request is handed from one
thread to another. Who leads next is decided before a request that may wait (handoff.py),
and by the watch, which takes the lead from a thread whose request takes long.
"""

from __future__ import annotations

import logging
import selectors
import socket
import threading
from collections import deque
from time import monotonic, sleep, thread_time
from typing import Callable

from fngen.runtime.limits import Limits
from fngen.runtime.scoreboard import Slot
from fngen.runtime.wsgi.connection import Connection
from fngen.runtime.wsgi.handoff import PATIENCE_SECONDS, Handoff

_log = logging.getLogger("fngen")

# How often connections are looked at for those that have waited too long.
_SWEEP_SECONDS = 5.0
# So many threads at most wait for clients. Each takes some 50 KB, and one of the 1,024 that
# an instance may have.
_MOST_WAITING = 128
# For how long a connection is left to another process that has fewer.
_ASIDE_SECONDS = 0.002
# The watch sleeps until it is woken when no request has come for this long.
_DEEP_SECONDS = 1.0


class Member:
    """One thread; it holds wake while it has nothing to do."""

    def __init__(self) -> None:
        self.wake = threading.Semaphore(0)
        # There are more threads than are needed: this one ends.
        self.over = False


class Crew:
    """Serves connections of listener by serve, which is called for one request each time."""

    def __init__(
        self,
        listener: socket.socket,
        serve: Callable[[Connection], None],
        threads: int,
        slot: Slot,
        limits: Limits,
    ) -> None:
        self._listener = listener
        self._limits = limits
        self._serve = serve
        self._most = threads
        self._slot = slot
        self._selector = selectors.DefaultSelector()
        self._ready: deque[Connection] = deque()
        self._connections: set[Connection] = set()
        self._ears, self._mouth = socket.socketpair()
        self._swept = 0.0
        self._sweep_seconds = min(_SWEEP_SECONDS, limits.pace_seconds / 4)
        # When to listen again, after it was somebody else's turn.
        self._listens_at = 0.0
        # All below is changed under the lock.
        self._lock = threading.Lock()
        self._handoff = Handoff()
        self._leader: Member | None = None
        self._began: float | None = None
        self._idle: list[Member] = []
        self._members = 0
        self.in_work = 0
        # Of these, those that have a place, and those that wait for a client beside.
        self._placed = self._waiting = 0
        self._places = threading.Condition(self._lock)
        self._wanting = 0
        self._listening = self._stopped = False
        self._last = 0.0
        self._deep = False
        self._watched = threading.Event()

    def start(self) -> None:
        """Take connections from now on."""
        self._ears.setblocking(False)
        self._listener.setblocking(False)
        self._selector.register(self._ears, selectors.EVENT_READ)
        self._listen(True)
        with self._lock:
            self._leader = self._another()
        threading.Thread(target=self._watch, name="fngen-watch-of-requests", daemon=True).start()

    def stop_listening(self) -> None:
        """Take no more connections; close those that are between two requests."""
        with self._lock:
            self._stopped = True
        self._mouth.send(b"x")

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._connections)

    def is_done(self) -> bool:
        """Say whether no request is in work, nor about to come."""
        with self._lock:
            return self.in_work == 0 and not self._connections

    def leave(self, connection: Connection) -> bool:
        """Leave the place of the thread that serves connection, unless too many wait."""
        with self._lock:
            if self._waiting >= _MOST_WAITING:
                return False
            self._waiting += 1
            self._vacate()
            if self._leader is None or self._leader is connection.member:
                self._leader, self._began = self._another(), None
            return True

    def enter(self, connection: Connection) -> None:
        """Take a place again, as soon as there is one."""
        with self._lock:
            self._waiting -= 1
            self._take_place()

    def _take_place(self) -> None:
        """Wait for a place; the lock is held."""
        self._wanting += 1
        while self._placed >= self._most:
            self._places.wait()
        self._wanting -= 1
        self._placed += 1

    def _vacate(self) -> None:
        self._placed -= 1
        if self._wanting:
            self._places.notify()

    # What each thread does.

    def _run(self, me: Member) -> None:
        while not me.over:
            me.wake.acquire()
            leads = True
            while leads:
                connection = self._next()
                leads = self._serve_all(me, connection)

    def _serve_all(self, me: Member, connection: Connection) -> bool:
        """Serve what has come over connection; say whether this thread still leads."""
        looks = self._begin(me, connection)
        wall, processor = (monotonic(), thread_time()) if looks else (0.0, 0.0)
        try:
            while not connection.closed and connection.has_next():
                self._serve(connection)
        except BaseException:
            _log.exception("a connection was lost by a fault of the server")
            connection.close()
        if looks:
            now = monotonic()
            with self._lock:
                if self._leader is me:
                    self._handoff.saw(now - wall, thread_time() - processor, now)
        return self._end(me, connection)

    def _begin(self, me: Member, connection: Connection) -> bool:
        """Note that me serves; say whether how long it takes is looked at."""
        now = self._last = monotonic()
        with self._lock:
            connection.busy, connection.member = True, me
            self.in_work += 1
            if self._placed >= self._most:  # those that waited for clients have them all
                self._leader = None
                self._take_place()
                return False
            self._placed += 1
            if self._handoff.shares(now):
                self._leader, self._began = self._another(), None
                return False
            self._began = now
            looks = self._handoff.looks()
        if self._deep:
            self._deep = False
            self._watched.set()
        return looks

    def _end(self, me: Member, connection: Connection) -> bool:
        with self._lock:
            self.in_work -= 1
            self._vacate()
            connection.busy, connection.member = False, None
            if connection.closed:
                self._forget(connection)
            elif connection.parked:
                connection.parked = False
                self._selector.register(connection.socket, selectors.EVENT_READ, connection)
            if self._leader is None:
                self._leader = me
            if self._leader is me:
                self._began = None
                return True
            if self._members > self._most + self._waiting:
                self._members -= 1
                me.over = True
            else:
                self._idle.append(me)
            return False

    def _another(self) -> Member | None:
        """Wake a thread that has nothing to do, or a new one, to lead."""
        if self._idle:
            member = self._idle.pop()
        elif self._members < self._most + self._waiting:
            self._members += 1
            member = Member()
            name = f"fngen-request-{self._members}"
            threading.Thread(target=self._run, args=(member,), name=name, daemon=True).start()
        else:
            return None
        member.wake.release()
        return member

    # What the one that leads does.

    def _next(self) -> Connection:
        """Wait for a connection with a request."""
        while True:
            while self._ready:
                connection = self._ready.popleft()
                if connection.closed or not self._is_free(connection):
                    continue
                if connection.has_next() or connection.receive():
                    return connection
                if connection.closed:
                    with self._lock:
                        self._forget(connection)
            # All that came has been read: who is late has sent nothing that would help it.
            now = monotonic()
            if now - self._swept > self._sweep_seconds or self._stopped:
                self._sweep(now)
                if self._ready:
                    continue
            elif not self._listening and now >= self._listens_at:
                self._listen(True)
            for key, _ in self._selector.select(self._pause()):
                if key.data is not None:
                    self._ready.append(key.data)
                elif key.fileobj is self._listener:
                    self._accept()
                else:
                    self._heard()

    def _pause(self) -> float | None:
        """Return how long to wait at most, in seconds."""
        if not self._listening:
            return _ASIDE_SECONDS
        return self._sweep_seconds if self._connections else None

    def _listen(self, on: bool) -> None:
        if on != self._listening:
            self._listening = on
            if on:
                self._selector.register(self._listener, selectors.EVENT_READ)
            else:
                self._selector.unregister(self._listener)

    def _is_free(self, connection: Connection) -> bool:
        """Say whether nobody serves connection; what comes meanwhile is looked at later."""
        with self._lock:
            if connection.busy and not connection.parked:
                self._selector.unregister(connection.socket)
                connection.parked = True
            return not connection.busy

    def _accept(self) -> None:
        if not self._slot.may_accept(len(self._connections)):
            self._listen(False)
            self._listens_at = monotonic() + _ASIDE_SECONDS
            return
        try:
            sock, peer = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:  # no more file descriptors: wait for the next sweep
            _log.error("no connection can be taken: %s", error)
            self._listen(False)
            self._listens_at = monotonic() + _SWEEP_SECONDS
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(sock, peer, self._limits, self)
        with self._lock:
            self._connections.add(connection)
            self._selector.register(sock, selectors.EVENT_READ, connection)
        self._slot.seen(len(self._connections))

    def _heard(self) -> None:
        self._ears.recv(100)

    def _sweep(self, now: float) -> None:
        self._swept = now
        with self._lock:
            if self._stopped:
                self._listen(False)
                self._listener.close()
            for connection in list(self._connections):
                if connection.busy:
                    continue
                if self._stopped and connection.is_idle():
                    if connection.receive():
                        self._ready.append(connection)  # it came just now
                        continue
                    connection.close()
                if not connection.closed and connection.is_late(now):
                    connection.expire()
                if connection.closed:
                    self._forget(connection)

    def _forget(self, connection: Connection) -> None:
        """Close a connection; the lock is held."""
        if connection in self._connections:
            self._connections.discard(connection)
            if not connection.parked:
                self._selector.unregister(connection.socket)
            connection.socket.close()

    # The watch.

    def _watch(self) -> None:
        while True:
            if monotonic() - self._last > _DEEP_SECONDS:
                self._watched.clear()
                self._deep = True
                if monotonic() - self._last > _DEEP_SECONDS:
                    self._watched.wait()
            sleep(PATIENCE_SECONDS)
            now = monotonic()
            with self._lock:
                if self._began is None or now - self._began < PATIENCE_SECONDS:
                    continue
                other = self._another()
                if other is not None:
                    self._leader, self._began = other, None
                    self._handoff.share(now)
