"""Refuse requests before the memory runs out.

A program that takes more memory than its server has is killed, and everything that it
had begun with it. So when a process is near that, it begins nothing new while it has
much in work: what ends makes room. With little in work it serves on whatever the memory,
since then it is not the requests that fill it.
"""

from __future__ import annotations

import logging
import os
import threading
from time import monotonic

_log = logging.getLogger("fngen")

# Of what the process may take, the part at which it refuses.
_FULL_PART = 0.9
# So many requests in work are served whatever the memory.
_ALWAYS = 4
_LOOK_SECONDS = 0.05
_SAY_SECONDS = 10.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Overload:
    """What the process takes beside what it may. limit_bytes is 0 where nobody knows."""

    retry_after = "2"

    def __init__(self, limit_bytes: int, processes: int = 1) -> None:
        self._limit = limit_bytes
        self._processes = processes
        self._most = 0.0
        self._looked = self._said = 0.0
        self._full = False
        self._refused = 0
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Take what the process takes now for what it needs without a request.

        What is left is for all processes of the function, each of which may add
        as much as the others.
        """
        if self._limit:
            now = _taken()
            room = max(0.0, self._limit * _FULL_PART - now)
            self._most = now + room / self._processes

    def refuses(self, in_work: int) -> bool:
        """Say whether a request is one too many; in_work are those that are begun, with it."""
        if in_work <= _ALWAYS or not self._most:
            return False
        now = monotonic()
        if now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            self._full = _taken() > self._most
        if self._full:
            self._say(now, in_work)
        return self._full

    def _say(self, now: float, in_work: int) -> None:
        with self._lock:
            self._refused += 1
            if self._said and now - self._said < _SAY_SECONDS:
                return
            refused, self._refused, self._said = self._refused, 0, now
        _log.warning(
            "overload: the memory is nearly full (%d of %d MB) with %d requests in work: "
            "%d answered by 503",
            *(_taken() >> 20, self._limit >> 20, in_work, refused),
        )


def _taken() -> int:
    """Return the memory of this process that is not of files, in bytes."""
    try:
        with open("/proc/self/statm", "rb") as file:
            fields = file.read().split()
    except OSError:
        return 0
    return (int(fields[1]) - int(fields[2])) * _PAGE_BYTES
