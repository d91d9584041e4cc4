"""Keeps a record of where the code is while it takes long to start.

An app that never listens prints nothing. What is seen here is why: a connection
that is waited for, an endless loop at import.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import traceback
from types import FrameType

from fngen.runtime import cause

# A start that takes no longer is never looked at.
_EVERY_SECONDS = float(os.environ.get("FNGEN_WATCH_SECONDS") or 15)


class Watch:
    """Looks at the thread that makes it, until it is told to stop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, every: float = _EVERY_SECONDS) -> None:
        self._loop = loop
        self._every = every
        self._thread = threading.get_ident()
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._run, name="fngen-watch", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """End it, and wait until it has ended. It may be called again."""
        self._done.set()
        self._watcher.join()

    def _run(self) -> None:
        while not self._done.wait(self._every):
            stack = self._stack()
            if not self._done.is_set():
                cause.write(cause.of_stack("waiting", "it is not done yet", stack))

    def _stack(self) -> traceback.StackSummary:
        frame = sys._current_frames().get(self._thread)
        stack = traceback.extract_stack(frame)
        for task in asyncio.all_tasks(self._loop):  # a loop that waits has no frame of theirs
            stack.extend(_suspended(task))
        return stack


def _suspended(task: asyncio.Task[object]) -> traceback.StackSummary:
    """List where a task waits, the innermost last."""
    frames: list[tuple[FrameType, int]] = []
    waiting: object = task.get_coro()
    while waiting is not None and len(frames) < 100:
        frame, waiting = _step(waiting, frames[-1][0] if frames else None)
        if frame is not None:
            frames.append((frame, frame.f_lineno))
    return traceback.StackSummary.extract(iter(frames))


def _step(waiting: object, outer: FrameType | None) -> tuple[FrameType | None, object]:
    """Return the frame of what waits, and what it waits for."""
    for kind in ("cr", "ag", "gi"):
        frame = getattr(waiting, f"{kind}_frame", None)
        if isinstance(frame, FrameType):
            return frame, getattr(waiting, f"{kind}_await", None)
    # "async with" of a generator: only the frame of contextlib leads to it.
    if outer is not None and outer.f_code.co_name == "__aenter__":
        generator = getattr(outer.f_locals.get("self"), "gen", None)
        if generator is not waiting:
            return None, generator
    return None, None
