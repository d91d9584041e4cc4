"""wsgi.input: what an application reads of the body of its request."""

from __future__ import annotations

import io
from typing import BinaryIO, Callable

from fngen.runtime.wsgi.parser import Request

# A body up to this size is complete before its application is called.
SMALL_BYTES = 64 * 1024


class BrokenBodyError(OSError):
    """The rest of the body will not come."""


class LargeBodyError(BrokenBodyError):
    """The body is larger than it may be."""


class SlowBodyError(BrokenBodyError):
    """The body comes too slowly."""


class CrowdedError(BrokenBodyError):
    """So many bodies are waited for that no thread is left to wait for this one."""


def reader(request: Request, more: Callable[[], None]) -> BinaryIO:
    """Return the body to read from; more receives some of it, or raises a BrokenBodyError."""
    if request.complete:
        chunks = request.chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        return io.BytesIO(data)
    return io.BufferedReader(_Stream(request, more), SMALL_BYTES)


class _Stream(io.RawIOBase):
    """The body as it comes: no more of it is received than is read."""

    def __init__(self, request: Request, more: Callable[[], None]) -> None:
        self._request = request
        self._more = more

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunks = self._request.chunks
        while not chunks and not self._request.complete:
            self._more()
        if not chunks:
            return 0
        data = chunks.popleft()
        count = min(len(data), len(buffer))
        buffer[:count] = data[:count]
        if count < len(data):
            chunks.appendleft(data[count:])
        return count
