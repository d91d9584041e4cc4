"""Whether a process may be forked once the person's code is imported, and the loop after.

A fork has one thread and shares what is open. Where the import has left nothing but
memory, that is what one wants: the code is imported once, and its memory is there once.
"""

from __future__ import annotations

import asyncio
import gc
import os
import selectors
import sys
import threading
from time import monotonic, sleep
from typing import Any

_MOMENT_SECONDS = 0.5


class Before:
    """What was open before the person's code was imported."""

    def __init__(self) -> None:
        self._open = _open()

    def why_not(self, loop: asyncio.AbstractEventLoop) -> str:
        """Say why this process must not be forked now; empty when it may be."""
        if not hasattr(os, "fork") or sys.platform == "darwin":
            return "this system does not fork safely"
        threads = [thread.name for thread in threading.enumerate()]
        if len(threads) > 1:
            return f"it has started threads: {', '.join(sorted(threads)[:5])}"
        if _has_native_threads():
            return "a library that it imports has started threads"
        if asyncio.all_tasks(loop):
            return "it has tasks in the event loop"
        if not all(hasattr(loop, name) for name in ("_selector", "_ssock", "_csock")):
            return "its event loop cannot be made anew"
        new = sorted(set(_open().values()) - set(self._open.values()))
        if any(name.startswith("socket:") for name in new):
            return "it has opened a connection"
        if any("eventpoll" in name for name in new):
            return "it has opened an event loop"
        return ""


def prepare() -> None:
    """Leave the memory that there is alone, so that it stays shared."""
    gc.collect()
    gc.freeze()


def renew(loop: asyncio.AbstractEventLoop) -> None:
    """Give the loop of a fork a selector and a way to wake it of its own.

    asyncio has no public way to do this. A new loop would not do: what was made
    while the code was imported belongs to this one.
    """
    inner: Any = loop
    inner._selector = selectors.DefaultSelector()
    inner._ssock.close()
    inner._csock.close()
    inner._internal_fds -= 1
    inner._make_self_pipe()


def _open() -> dict[str, str]:
    """Return what each file descriptor leads to, where the system tells."""
    found = {}
    for name in _listed("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        # Of anonymous ones only the number tells one from another.
        found[name] = target + ("#" + name if target.startswith("anon_inode") else "")
    return found


def _has_native_threads() -> bool:
    """Say whether there are threads that Python knows nothing of.

    One that has ended, and that was waited for, is there for a moment still.
    """
    until = monotonic() + _MOMENT_SECONDS
    while len(_listed("/proc/self/task")) > 1:
        if monotonic() > until:
            return True
        sleep(0.001)
    return False


def _listed(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []
