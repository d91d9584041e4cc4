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
