"""Whether a request gets a thread of its own.

One thread that waits, reads, calls the application, answers and waits again is the
quickest by far: no other thread wants the interpreter meanwhile. But where a request
waits for something, a database or another service, others are to be served in that
time. So requests are looked at, and as long as they wait, the thread that takes one
gives the lead to another before it calls the application.
"""

from __future__ import annotations

# A request that takes longer than this is left alone, and another thread leads.
PATIENCE_SECONDS = 0.005

# Every so many requests one is looked at; after so many in a row that waited, the lead
# is given away.
_EVERY = 8
_IN_A_ROW = 3
_WAITED_SECONDS = 0.0003

# How long it is believed before it is tried without.
_SHORTEST_SECONDS = 1.0
_LONGEST_SECONDS = 16.0


class Handoff:
    """When the lead is handed to another thread. Not safe for threads by itself."""

    def __init__(self) -> None:
        self.sharing = False
        self._until = 0.0
        self._since = 0.0
        self._hold = _SHORTEST_SECONDS
        self._in_a_row = 0
        self._count = 0

    def shares(self, now: float) -> bool:
        """Say whether the thread that serves a request now gives the lead away before."""
        if self.sharing and now > self._until:
            self.sharing = False
            self._since = now
            self._in_a_row = 0
        return self.sharing

    def looks(self) -> bool:
        """Say whether the request that begins is looked at."""
        self._count += 1
        return self._count % _EVERY == 0

    def saw(self, wall: float, processor: float, now: float) -> None:
        """Note how long a request took, and how long the processor of that."""
        if wall - processor < _WAITED_SECONDS:
            self._in_a_row = 0
            return
        self._in_a_row += 1
        if self._in_a_row >= _IN_A_ROW:
            self.share(now)

    def share(self, now: float) -> None:
        """Believe from now on that requests wait."""
        if now - self._since > 2 * self._hold:
            self._hold = _SHORTEST_SECONDS
        self.sharing = True
        self._until = now + self._hold
        self._hold = min(2 * self._hold, _LONGEST_SECONDS)
