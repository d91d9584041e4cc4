"""The page of memory in which a worker says what it is at.

A worker has as many places as it runs tasks at once. Three numbers for each: the task
that was begun there, and the one that was ended with how it ended, which the worker
writes; and a task that the agent wants to end, wherever it runs. Each is written at
once, so that whoever reads it after the worker's death reads the truth.
"""

from __future__ import annotations

import mmap
import os

STARTED, FINISHED, CANCEL = 0, 1, 2
NUMBERS = 3
# The two lowest bits of FINISHED.
WELL, BADLY = 1, 2


class Page:
    """The page, by its file."""

    def __init__(self, fd: int) -> None:
        self._map = mmap.mmap(fd, os.fstat(fd).st_size)
        self._numbers = memoryview(self._map).cast("Q")
        self.places = len(self._numbers) // NUMBERS

    def start(self, place: int, number: int) -> None:
        """Say that a task begins: from here on it is charged with what happens."""
        self._numbers[place * NUMBERS + STARTED] = number

    def finish(self, place: int, number: int, well: bool) -> None:
        """Say that a task has ended, before its outcome is sent."""
        self._numbers[place * NUMBERS + FINISHED] = number << 2 | (WELL if well else BADLY)

    def cancelled(self, number: int) -> bool:
        """Say whether the agent wants a task to end."""
        return number in self._numbers[CANCEL::NUMBERS]


def make(places: int) -> int:
    """Make the file of a page."""
    fd = os.memfd_create("fngen-page", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, places * NUMBERS * 8)
    return fd
