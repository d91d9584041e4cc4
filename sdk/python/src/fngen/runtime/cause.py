"""The record of why a function does not start, or fails its health check.

A person reads the traceback on stderr. The control plane reads this: one file of
JSON in the task's directory, with what it needs to name the cause and its place.
docs/architecture.md has its form. The agent makes the file, where nobody can put
another thing in its place. That it cannot be written never matters, and half of it
is no record.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from traceback import FrameSummary, StackSummary, TracebackException
from typing import Any

from fngen.runtime import frames

# Read before the person's code may change it. Without it nothing is written.
_PATH = os.environ.get("FNGEN_CAUSE", "")

_MAX_TEXT = 1000
_MAX_FRAMES = 20
_MAX_CHAIN = 4

Record = dict[str, Any]


def of_error(kind: str, error: BaseException) -> Record:
    """Describe an exception that ended what kind names: import, call, lifespan, request."""
    chain = [_link(one) for one in _chain(error)]
    return {**_record(kind), **chain[0], "id": identity(error), "causes": chain[1:]}


def of_text(kind: str, message: str) -> Record:
    """Describe what no exception tells."""
    return {**_record(kind), "message": _cut(message)}


def of_stack(kind: str, message: str, stack: StackSummary) -> Record:
    """Describe where the code is just now."""
    return {**of_text(kind, message), "frames": _frames(stack)}


def write(record: Record) -> None:
    """Put the record in the place of the one before."""
    if not _PATH:
        return
    try:
        data = json.dumps(record).encode()
        file = os.open(_PATH, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            # At once, and over all of the one before: whoever reads meanwhile finds a record.
            os.write(file, data.ljust(os.fstat(file).st_size))
        finally:
            os.close(file)
    except (OSError, ValueError):
        return


def one_line(error: BaseException) -> str:
    """Write error as its type and message on one line."""
    name = _type(error)
    try:
        text = " ".join(str(error).split())
    except Exception:  # the person's own __str__
        text = ""
    return f"{name}: {text}" if text else name


def _record(kind: str) -> Record:
    return {"version": 1, "kind": kind, "at": time.time()}


def _type(error: BaseException) -> str:
    name = type(error).__qualname__
    if type(error).__module__ not in ("builtins", "__main__"):
        name = f"{type(error).__module__}.{name}"
    return name


def _chain(error: BaseException) -> list[BaseException]:
    """List error and what led to it, the latest first."""
    found: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and not any(one is other for other in found) and len(found) < _MAX_CHAIN:
        found.append(one)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return found


def _link(error: BaseException) -> Record:
    trace = TracebackException.from_exception(error)
    link: Record = {
        "type": _cut(_type(error)),
        "message": _cut(_message(error)),
        "frames": _frames(trace.stack),
    }
    if isinstance(error, ImportError) and isinstance(error.name, str):
        link["module"] = _cut(error.name)
    if isinstance(error, SyntaxError) and isinstance(error.filename, str):
        link["frames"].append(_syntax(error))
    if isinstance(error, KeyError) and _in_environ(trace.stack):
        link["variable"] = _cut(str(error.args[0]) if error.args else "")
    return link


def _message(error: BaseException) -> str:
    if type(error) is ModuleNotFoundError:
        return " ".join(str(error).split())  # says what it is
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"  # its place is told apart
    return one_line(error)


def _syntax(error: SyntaxError) -> Record:
    column = error.offset or 0
    end = 0
    if getattr(error, "end_lineno", None) == error.lineno:
        end = getattr(error, "end_offset", None) or 0
    return {
        "file": _cut(frames.short(error.filename or "")),
        "line": error.lineno or 0,
        "column": max(column, 0),
        "width": max(end - column, 0) if column > 0 else 0,
        "function": "",
    }


def _in_environ(stack: StackSummary) -> bool:
    if not stack:
        return False
    last = stack[-1]
    return last.name == "__getitem__" and last.filename.endswith(("os.py", "<frozen os>"))


def _frames(stack: StackSummary) -> list[Record]:
    """List the frames that are the person's, the innermost last."""
    own = [frame for frame in stack if frames.is_persons(frame.filename)]
    return [_frame(frame) for frame in own[-_MAX_FRAMES:]]


def _frame(frame: FrameSummary) -> Record:
    column = getattr(frame, "colno", None)
    end = getattr(frame, "end_colno", None)
    same = getattr(frame, "end_lineno", frame.lineno) == frame.lineno
    return {
        "file": _cut(frames.short(frame.filename)),
        "line": frame.lineno or 0,
        "column": column + 1 if column is not None else 0,
        "width": end - column if column is not None and end is not None and same else 0,
        "function": _cut(frame.name),
    }


def identity(error: BaseException) -> str:
    """Tell one fault from another: its type and where it was raised, not its words."""
    parts = []
    for one in _chain(error):
        parts.append(_type(one))
        stack = TracebackException.from_exception(one, lookup_lines=False).stack
        parts += [f"{frames.short(frame.filename)}:{frame.lineno}" for frame in stack]
    return hashlib.sha256("\n".join(parts).encode(errors="replace")).hexdigest()[:16]


def _cut(text: str) -> str:
    return text[:_MAX_TEXT].encode(errors="replace").decode()
