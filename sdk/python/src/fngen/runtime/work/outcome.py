"""What became of a task, in the form in which it leaves the process."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import decimal
import enum
import json
import os
import sys
import time
import uuid
from collections import deque
from typing import Any

from fngen.runtime.bind import Refused
from fngen.runtime.failure import one_line, person_traceback
from fngen.runtime.work import wire
from fngen.tasks import TaskTimeout

MOST_RESULT = 1 << 20
_MOST_TEXT = 60 * 1024

Outcome = tuple[int, bytes]


def of_value(value: Any) -> Outcome:
    """Write what the function returned as JSON, or say why it cannot be."""
    if value is None:
        return wire.WELL, b"null"
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
        data = text.encode()
    except Exception as error:
        return wire.RESULT, _error(
            type(error).__name__, f"the result cannot be written as JSON: {one_line(error)}"
        )
    if len(data) > MOST_RESULT:
        return wire.RESULT, _error(
            "ValueError", f"the result has {len(data)} bytes of JSON, {MOST_RESULT} are kept"
        )
    return wire.WELL, data


def of_error(error: BaseException) -> Outcome:
    """Write an exception with its traceback, as the person's code raised it."""
    code = wire.RAISED
    if isinstance(error, TaskTimeout):
        code = wire.TIMEOUT
    elif isinstance(error, (SystemExit, KeyboardInterrupt)):
        code = wire.EXITED
    name = one_line(error).partition(": ")[0]
    try:
        text = str(error)
    except Exception:  # the person's own __str__
        text = ""
    return code, _error(name, text, traceback=traceback_of(error))


def of_refusal(refused: Refused) -> Outcome:
    """Write what of a payload does not bind."""
    return wire.PAYLOAD, _error("", str(refused), faults=refused.plain())


def traceback_of(error: BaseException) -> str:
    """Format an exception without frames of ours, the end of it when it is long."""
    try:
        return person_traceback(error)[-_MOST_TEXT:]
    except Exception:
        return one_line(error)


def tell(text: str) -> None:
    """Write an error of a task where its log is."""
    entry = getattr(sys.stderr, "fngen_entry", None)
    try:
        if entry is not None:
            entry(text, "ERROR")
        else:
            print(text.rstrip("\n"), file=sys.stderr, flush=True)
    except (OSError, ValueError):
        return


def end_lines() -> None:
    """Write out the lines that a task began and did not end."""
    for stream in (sys.stdout, sys.stderr):
        end = getattr(stream, "fngen_flush", None) or getattr(stream, "flush", None)
        try:
            if end is not None:
                end()
        except (OSError, ValueError):
            continue


class Memory:
    """How much memory the process has, cheap to ask."""

    def __init__(self) -> None:
        self._fd = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        self._unit = os.sysconf("SC_PAGE_SIZE") // 1024
        self._known, self._next = 0, 0.0

    def kib(self) -> int:
        """Return what is resident, in KiB, looked up at most every 10 ms."""
        now = time.monotonic()
        if now >= self._next:
            self._known = int(os.pread(self._fd, 80, 0).split()[1]) * self._unit
            self._next = now + 0.01
        return self._known


def _error(kind: str, message: str, **more: Any) -> bytes:
    said = {"type": kind[:200], "message": message[:_MOST_TEXT], **more}
    return json.dumps(said, default=str).encode(errors="replace")


def _plain(value: Any) -> Any:
    """Turn what JSON does not know into what it does."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, (decimal.Decimal, uuid.UUID, os.PathLike)):
        return str(value)
    if isinstance(value, (set, frozenset, deque)):
        return list(value)
    if isinstance(value, (bytes, bytearray)):
        return {"$b64": base64.b64encode(value).decode()}
    if callable(getattr(value, "model_dump", None)):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} is no JSON")
