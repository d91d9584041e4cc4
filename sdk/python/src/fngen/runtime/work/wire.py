"""Packets between a worker and its agent.

A packet is a task or an outcome, whole or not at all: taking one out of the socket is
one act of the kernel's. So a worker takes one task at a time, and the agent, which has
this end of the socket too, takes back what the worker has not. What is too large for a
packet travels as a file in memory.
"""

from __future__ import annotations

import array
import os
import socket
import struct
import time
from typing import NamedTuple

# Kind, number of the task, flags, its attempt, its id; then the payload.
_TASK = struct.Struct("<cQBI36s")
# Kind, number of the task, how it ended, flags, the process's memory in KiB, how long the task
# took in microseconds; then the outcome.
_DONE = struct.Struct("<cQBBII")
_LARGEST = 64 * 1024
# Windows has no such thing, and needs of this file what tasks are, for `fngen dev`.
_MOST, _SPACE = _LARGEST + _TASK.size, socket.CMSG_LEN(4) if hasattr(socket, "CMSG_LEN") else 0
_IN_FILE, _CALL = 1, 2
# Plain numbers: members of an enumeration are slow to combine.
_CLOSE = int(getattr(socket, "MSG_CMSG_CLOEXEC", 0))

# How a task ended, as pkg/agent/tasks knows it.
WELL, RAISED, PAYLOAD, TIMEOUT, RESULT, EXITED = range(6)


class Task(NamedTuple):
    """A task as it comes."""

    number: int
    call: bool
    attempt: int
    id: str
    payload: bytes


def receive(sock: socket.socket, flags: int = 0) -> Task | None:
    """Take the next task, or None at the end."""
    data, extra, _, _ = sock.recvmsg(_MOST, _SPACE, flags | _CLOSE)
    if not data:
        return None
    files = _files(extra) if extra else []
    kind, number, bits, attempt, name = _TASK.unpack_from(data)
    if kind != b"T":
        raise ValueError(f"a packet of the kind {kind!r}")
    payload = _read(files[0]) if bits & _IN_FILE else data[_TASK.size :]
    return Task(number, bool(bits & _CALL), attempt, name.decode("ascii"), payload)


def send(
    sock: socket.socket, number: int, code: int, memory: int, begun: int, outcome: bytes
) -> None:
    """Send the outcome of a task that was begun at a time of time.perf_counter_ns()."""
    took = min((time.perf_counter_ns() - begun) // 1000, 0xFFFFFFFF)
    if len(outcome) <= _LARGEST:
        sock.send(_DONE.pack(b"D", number, code, 0, memory, took) + outcome)
        return
    fd = os.memfd_create("fngen-outcome", os.MFD_CLOEXEC)
    try:
        view = memoryview(outcome)
        while view:
            view = view[os.write(fd, view) :]
        send_files(sock, _DONE.pack(b"D", number, code, _IN_FILE, memory, took), [fd])
    finally:
        os.close(fd)


def send_files(sock: socket.socket, data: bytes, fds: list[int]) -> None:
    """Send a packet with open files."""
    sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])


def _files(extra: list[tuple[int, int, bytes]]) -> list[int]:
    files = array.array("i")
    for level, kind, content in extra:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            files.frombytes(content[: len(content) - len(content) % files.itemsize])
    return list(files)


def _read(fd: int) -> bytes:
    try:
        size, parts, at = os.fstat(fd).st_size, [], 0
        while at < size:
            parts.append(os.pread(fd, size - at, at))
            at += len(parts[-1])
        return b"".join(parts)
    finally:
        os.close(fd)
