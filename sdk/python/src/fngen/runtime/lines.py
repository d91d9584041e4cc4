"""Sends what the code says to the agent, with what is known of it only here.

What is printed outside of any request or task goes to standard output and error as it
always does, and the agent makes lines of it. All else is sent as records, in packets of
a socket: the level and the traceback of logging, the request, the task, the identity of
an exception. Packets of several processes do not mix, forked ones send theirs too, and
one that cannot be sent is printed. pkg/agent/capture reads them.
"""

from __future__ import annotations

import atexit
import io
import json
import logging
import os
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

from fngen.runtime import cause, context

# As in pkg/agent/capture: more of a message is not kept, and a packet has an end.
_MAX_MESSAGE = 64 * 1024
_MAX_PACKET = 150_000
_SAFE_CUT = 20 * 1024  # of which no packet is too large, whatever is escaped in it

_fd = -1
_inode = 0


def install() -> None:
    """Send from now on, when the agent listens."""
    global _fd, _inode
    number = os.environ.pop("FNGEN_LINES", "")
    if not number:
        return
    # Far from the numbers that a program gets for its own files.
    import fcntl

    given = int(number)
    _fd = fcntl.fcntl(given, fcntl.F_DUPFD_CLOEXEC, 900)
    _inode = os.fstat(_fd).st_ino
    os.close(given)
    sys.stdout, sys.stderr = (
        _Stream.around(sys.stdout, "stdout"),
        _Stream.around(sys.stderr, "stderr"),
    )
    logging.StreamHandler.emit = _emit  # type: ignore[method-assign,assignment]
    if _print_lines is not None:
        traceback.TracebackException.print = _print  # type: ignore[attr-defined]
    else:
        traceback.print_exception = _print_exception  # type: ignore[assignment]
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    context.carry()
    atexit.register(_flush)


def installed() -> bool:
    """Say whether records are sent."""
    return _fd >= 0


def copy() -> int:
    """Return the socket once more, for a process that is started."""
    return os.dup(_fd)


def send(stream: str, message: str, level: str = "", **more: Any) -> bool:
    """Send a record, with more by the names of pkg/agent/capture; say whether it went."""
    if _fd < 0:
        return False
    data = message.encode(errors="replace")
    record: dict[str, Any] = {"s": stream, "m": message, **more}
    if len(data) > _MAX_MESSAGE:
        _cut(record, data, _MAX_MESSAGE)
    if level:
        record["l"] = level
    if (request := context.request_id.get()) is not None:
        record["r"] = request
    if (task := context.task_id.get()) is not None:
        record["t"] = task
    packet = _encode(record)
    if len(packet) > _MAX_PACKET:
        _cut(record, data, _SAFE_CUT)
        packet = _encode(record)
    return put(packet)


def put(packet: bytes) -> bool:
    """Send a record that is written in JSON, and is not too large; say whether it went."""
    try:
        # A program that closes all its files may have another by this number.
        if os.fstat(_fd).st_ino != _inode:
            return False
        os.write(_fd, packet)
    except OSError:
        return False
    return True


def _cut(record: dict[str, Any], data: bytes, size: int) -> None:
    kept = data[:size].decode(errors="ignore")
    dropped = (
        int(record.get("c", 0)) + len(record["m"].encode(errors="replace")) - len(kept.encode())
    )
    record["m"], record["c"] = kept, dropped


def _encode(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode(errors="replace")


class _Partial(threading.local):
    """The line that a thread has begun and not ended, and in which work."""

    text = ""
    # How many bytes of it are not kept.
    dropped = 0
    ids: tuple[str | None, str | None] = (None, None)


_request, _task = context.request_id.get, context.task_id.get
_write = io.TextIOWrapper.write


class _Stream(io.TextIOWrapper):
    """A standard stream whose lines are sent as records in a request or a task."""

    @classmethod
    def around(cls, stream: Any, name: str) -> _Stream:
        stream.flush()
        made = cls(
            stream.buffer,
            encoding=stream.encoding,
            errors=stream.errors,
            line_buffering=True,
            write_through=True,
        )
        made.fngen_name = name
        made._partial = _Partial()
        made._begun = set()
        made.mode = "w"  # type: ignore[misc]
        return made

    fngen_name: str
    _partial: _Partial
    # The threads that have begun a line in work and not ended it.
    _begun: set[int]

    def write(self, text: str) -> int:
        """Write text as a record when it is of a request or a task."""
        # print comes here with each of its words: outside of work this is all there is to do.
        if _request() is None and _task() is None and not self._begun:
            return _write(self, text)
        ids = (_request(), _task())
        partial = self._partial
        if partial.text and partial.ids != ids:
            self.fngen_flush()
        if ids == (None, None) or not isinstance(text, str):
            return super().write(text)
        whole, newline, rest = (partial.text + text).rpartition("\n")
        partial.text, partial.ids = rest, ids
        if rest:
            self._begun.add(threading.get_ident())
        else:
            self._begun.discard(threading.get_ident())
        if newline:
            for line in whole.split("\n"):
                self._line(line)
        if len(rest) > _MAX_MESSAGE:
            partial.dropped += len(rest[_MAX_MESSAGE:].encode(errors="replace"))
            partial.text = rest[:_MAX_MESSAGE]
        return len(text)

    def _line(self, line: str) -> None:
        dropped, self._partial.dropped = self._partial.dropped, 0
        if not (send(self.fngen_name, line, c=dropped) if dropped else send(self.fngen_name, line)):
            super().write(line + "\n")

    def fngen_flush(self) -> None:
        """End the line that was begun."""
        partial = self._partial
        text, partial.text = partial.text, ""
        self._begun.discard(threading.get_ident())
        if text:
            self._line(text)

    def fngen_entry(self, text: str, level: str, **more: Any) -> None:
        """Write several lines as one entry."""
        self.fngen_flush()
        text = text.rstrip("\n")
        if not send(self.fngen_name, text, level, **more):
            super().write(text + "\n")


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, _Stream):
            stream.fngen_flush()


_LEVELS = ((50, "CRITICAL"), (40, "ERROR"), (30, "WARNING"), (20, "INFO"))


def _emit(self: logging.StreamHandler[Any], record: logging.LogRecord) -> None:
    """Write a log record, as logging.StreamHandler does, and as one entry."""
    try:
        message = self.format(record)
        stream = self.stream
        if not isinstance(stream, _Stream):
            stream.write(message + self.terminator)
            self.flush()
            return
        level = next((name for least, name in _LEVELS if record.levelno >= least), "DEBUG")
        more = {"n": record.name}
        if error := _error_of(record):
            more["e"] = error
        stream.fngen_entry(message, level, **more)
    except RecursionError:
        raise
    except Exception:
        self.handleError(record)


def _error_of(record: logging.LogRecord) -> str:
    known = getattr(record, "fngen_error", None)
    if known:
        return str(known)
    if record.exc_info and record.exc_info[1] is not None:
        return cause.identity(record.exc_info[1])
    return ""


# Python 3.10 has none: there print_exception prints by itself.
_print_lines: Any = getattr(traceback.TracebackException, "print", None)
_print_exception_lines: Any = traceback.print_exception


def _print(
    self: traceback.TracebackException, *, file: Any = None, chain: bool = True, **options: Any
) -> None:
    """Print a traceback as one entry."""
    stream = sys.stderr if file is None else file
    if isinstance(stream, _Stream):
        stream.fngen_entry("".join(self.format(chain=chain)), "ERROR")
    else:
        _print_lines(self, file=file, chain=chain, **options)


def _print_exception(
    kind: Any, /, *given: Any, limit: Any = None, file: Any = None, chain: bool = True
) -> None:
    """Do the same where tracebacks have no print: kind, value, trace, limit, file, chain."""
    error, rest = given[:2], list(given[2:])
    limit, file, chain = rest + [limit, file, chain][len(rest) :]
    stream = sys.stderr if file is None else file
    if isinstance(stream, _Stream):
        text = traceback.format_exception(kind, *error, limit=limit, chain=chain)
        stream.fngen_entry("".join(text), "ERROR")
    else:
        _print_exception_lines(kind, *error, limit=limit, file=file, chain=chain)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt) or not isinstance(sys.stderr, _Stream):
        sys.__excepthook__(kind, error, trace)
        return
    text = "".join(traceback.format_exception(kind, error, trace))
    sys.stderr.fngen_entry(text, "CRITICAL", e=cause.identity(error))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is SystemExit or args.exc_value is None or not isinstance(sys.stderr, _Stream):
        threading.__excepthook__(args)
        return
    name = args.thread.name if args.thread is not None else "?"
    trace = traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback)
    text = f"Exception in thread {name}:\n" + "".join(trace)
    sys.stderr.fngen_entry(text, "ERROR", e=cause.identity(args.exc_value))
