"""When the last request came, and whether we are draining.

    serving --SIGTERM--> draining, still listening --quiet--> closed --last request done--> exit 0

A router needs a moment to learn that an instance goes away. Until no request
has come for a while, the instance keeps accepting: nothing is ever refused.
"""

from __future__ import annotations

import os
from time import monotonic

# No request for this long means that the routers have let go. Tests set more: a busy
# machine may keep their clients quiet for longer.
QUIET_SECONDS = float(os.environ.get("FNGEN_QUIET_SECONDS", "1"))

# Of the time to drain, the part in which new connections are taken at most.
_ACCEPTING_PART = 0.5


class Traffic:
    """Shared by the server and the outermost layer of the application."""

    def __init__(self, drain_seconds: float) -> None:
        self._drain_seconds = drain_seconds
        self._last = 0.0
        self._since: float | None = None

    @property
    def draining(self) -> bool:
        """Say whether drain was called."""
        return self._since is not None

    def note(self) -> float:
        """Note that a request came, and return when. A health check is no sign of traffic."""
        self._last = monotonic()
        return self._last

    def drain(self) -> None:
        """Start draining."""
        if self._since is None:
            self._since = monotonic()

    def drained_for(self) -> float:
        """Return for how many seconds we have been draining."""
        return 0.0 if self._since is None else monotonic() - self._since

    def seconds_left(self, least: float = 0.0) -> float:
        """Return how much of the time to drain is left."""
        return max(least, self._drain_seconds - self.drained_for())

    def has_let_go(self) -> bool:
        """Say whether requests have stopped coming, or must since half the time is up."""
        if self._since is None:
            return False
        quiet = monotonic() - max(self._last, self._since) >= QUIET_SECONDS
        return quiet or self.drained_for() > self._drain_seconds * _ACCEPTING_PART
