"""What the processes of one function tell each other and their supervisor.

Each has a slot in memory that all of them share: whether it is ready, how many
connections it has, when it was last seen, and which requests it is in, so that the
supervisor can say of one that has died what it was doing.
"""

from __future__ import annotations

import mmap
import os
import struct
import tempfile
from time import monotonic

_SLOT_BYTES = 8192
_HEAD = struct.Struct("=IId")
_NOTE_BYTES = 256
_MOST_NOTES = (_SLOT_BYTES - _NOTE_BYTES) // _NOTE_BYTES


class Scoreboard:
    """The memory; file is a descriptor of it, which another process can be given."""

    def __init__(self, count: int, file: int | None = None) -> None:
        self.count = count
        self.file = _memory(count * _SLOT_BYTES) if file is None else file
        self._memory = mmap.mmap(self.file, count * _SLOT_BYTES)

    def clear(self, index: int) -> None:
        """Make the slot ready for the next process."""
        at = index * _SLOT_BYTES
        self._memory[at : at + _SLOT_BYTES] = bytes(_SLOT_BYTES)

    def write(self, index: int, connections: int) -> None:
        """Say that the process is ready, sees its work and has so many connections."""
        _HEAD.pack_into(self._memory, index * _SLOT_BYTES, 1, connections, monotonic())

    def is_ready(self, index: int) -> bool:
        """Say whether the process was ready at some time."""
        return bool(self._read(index)[0])

    def silent_for(self, index: int) -> float:
        """Return the seconds since the process was last seen, 0 before it was ready."""
        ready, _, seen = self._read(index)
        return monotonic() - seen if ready else 0.0

    def least_connections(self, but: int) -> int | None:
        """Return the least that another ready process has; None when there is none."""
        found = [self._read(i) for i in range(self.count) if i != but]
        return min((count for ready, count, _ in found if ready), default=None)

    def put_note(self, index: int, number: int, text: bytes) -> None:
        """Write a note of at most 255 bytes in its place; an empty one takes it away."""
        at = index * _SLOT_BYTES + _NOTE_BYTES * (1 + number)
        text = text[: _NOTE_BYTES - 1]
        self._memory[at : at + len(text) + 1] = text + b"\0"

    def notes(self, index: int) -> list[str]:
        """List the notes of a slot."""
        start = index * _SLOT_BYTES + _NOTE_BYTES
        places = range(start, (index + 1) * _SLOT_BYTES, _NOTE_BYTES)
        texts = [bytes(self._memory[at : at + _NOTE_BYTES]).partition(b"\0")[0] for at in places]
        return [text.decode("latin-1") for text in texts if text]

    def _read(self, index: int) -> tuple[int, int, float]:
        ready, connections, seen = _HEAD.unpack_from(self._memory, index * _SLOT_BYTES)
        return ready, connections, seen


class Slot:
    """One process's own slot. Until it has one, it notes nothing: it is the only process."""

    def __init__(self) -> None:
        self._board: Scoreboard | None = None
        self._index = 0
        self._free: list[int] = []
        self._waited = False

    def take(self, board: Scoreboard, index: int) -> None:
        """Take the slot that the supervisor has for this process."""
        self._board, self._index = board, index
        self._free = list(range(_MOST_NOTES))

    @property
    def is_alone(self) -> bool:
        """Say whether there is no other process."""
        return self._board is None

    def seen(self, connections: int) -> None:
        """Say that this process is ready, and what it has."""
        if self._board is not None:
            self._board.write(self._index, connections)

    def may_accept(self, connections: int) -> bool:
        """Say whether a connection that waits is for this process to take.

        One that has more than another leaves it to that one, once: whoever is asked
        again after a moment takes it, since the other may be busy.
        """
        if self._board is None:
            return True
        least = self._board.least_connections(self._index)
        self._waited = least is not None and connections > least and not self._waited
        return not self._waited

    def begin(self, method: str, path: str, request_id: str) -> int:
        """Note a request that begins; return what to call end with."""
        if self._board is None or not self._free:
            return -1
        number = self._free.pop()
        text = f"{method} {path} (request id {request_id})"
        self._board.put_note(self._index, number, text.encode("latin-1", "replace"))
        return number

    def end(self, number: int) -> None:
        """Take the note of a request away."""
        if number >= 0 and self._board is not None:
            self._board.put_note(self._index, number, b"")
            self._free.append(number)


def _memory(size: int) -> int:
    if hasattr(os, "memfd_create"):
        file = os.memfd_create("fngen-scoreboard")
    else:
        with tempfile.TemporaryFile() as made:
            file = os.dup(made.fileno())
    os.ftruncate(file, size)
    return file
