"""How a function that cannot be served is explained.

First the person's own traceback, without the frames that are ours, then one
line that says which file and why, so that it can be shown on its own.
"""

from __future__ import annotations

import importlib
import os
import sys
from traceback import FrameSummary, TracebackException

_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
_IMPORTLIB = ("<frozen importlib", importlib.__file__)


class StartError(Exception):
    """The function cannot be served. The message is one line for a person."""


def report(failure: StartError) -> None:
    """Write the cause's traceback, if there is one, and the line, on stderr."""
    sys.stdout.flush()
    if failure.__cause__ is not None:
        print(person_traceback(failure.__cause__), end="", file=sys.stderr)
    print(f"fngen: {failure}", file=sys.stderr, flush=True)


def person_traceback(error: BaseException) -> str:
    """Format error as Python does, without our frames and importlib's."""
    trace = TracebackException.from_exception(error)
    _trim(trace)
    if not (trace.stack or trace.__cause__ or trace.__context__):
        return "".join(trace.format_exception_only())  # such as a SyntaxError in the file
    return "".join(trace.format())


def one_line(error: BaseException) -> str:
    """Write error as its type and message on one line."""
    name = type(error).__qualname__
    if type(error).__module__ not in ("builtins", "__main__"):
        name = f"{type(error).__module__}.{name}"
    text = " ".join(str(error).split())
    return f"{name}: {text}" if text else name


def _trim(trace: TracebackException) -> None:
    trace.stack[:] = [frame for frame in trace.stack if not _is_ours(frame)]
    inner = [trace.__cause__, trace.__context__, *(getattr(trace, "exceptions", None) or [])]
    for other in inner:
        if other is not None:
            _trim(other)


def _is_ours(frame: FrameSummary) -> bool:
    return frame.filename.startswith((_OURS, *_IMPORTLIB))
