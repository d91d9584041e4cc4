"""What a server takes of one connection, where nobody says another number."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of a request, and of the time between two."""

    # Bodies are passed on as they come, so that their size is for the application to
    # bound; 0 is any.
    body_bytes: int = 0
    # Of the head of a request: far more than browsers send.
    head_bytes: int = 64 * 1024
    # Longer than a router keeps an idle connection (Traefik: 90 s), so that it is the
    # router that closes it, never we while a request is on its way.
    keep_alive_seconds: float = 120.0
    # A head must be whole so long after its first byte, and in each such time a body that
    # is waited for must come by PACE_BYTES. Only tests have another.
    pace_seconds: float = 60.0


# 4 kbit/s: no line that is in use is slower, and whoever sends less wants to hold us.
PACE_BYTES = 30_000


class Pace:
    """Whether a body comes quickly enough. Only the time in which it is waited for counts."""

    def __init__(self, seconds: float) -> None:
        self._seconds = self.left = seconds
        self._received = 0

    def is_slow(self, waited: float, received: int) -> bool:
        """Count seconds of waiting and what came; say whether it was too little in a turn."""
        self.left -= waited
        self._received += received
        if self.left > 0:
            return False
        slow = self._received < PACE_BYTES
        self.left, self._received = self._seconds, 0
        return slow
