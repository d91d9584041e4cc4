"""How a function that cannot be served is explained.

First the person's own traceback, without the frames that are ours and with those
of frameworks folded, then one line that says which file and why, so that it can
be shown on its own. The same is kept as a record for the control plane.
"""

from __future__ import annotations

import sys
from itertools import groupby
from traceback import FrameSummary, StackSummary, TracebackException
from typing import Any

from fngen.runtime import cause, frames
from fngen.runtime.cause import one_line as one_line


class StartError(Exception):
    """The function cannot be served. The message is one line for a person.

    kind says what could not be done, as in the record.
    """

    def __init__(self, message: str, kind: str = "serve") -> None:
        super().__init__(message)
        self.kind = kind


def report(failure: StartError) -> None:
    """Write the cause's traceback, if there is one, and the line, on stderr."""
    sys.stdout.flush()
    if failure.__cause__ is not None:
        print(person_traceback(failure.__cause__), end="", file=sys.stderr)
    print(f"fngen: {failure}", file=sys.stderr, flush=True)
    if failure.__cause__ is not None:
        cause.write(cause.of_error(failure.kind, failure.__cause__))
    else:
        cause.write(cause.of_text(failure.kind, str(failure)))


def person_traceback(error: BaseException) -> str:
    """Format error as Python does, without our frames and importlib's."""
    trace = TracebackException.from_exception(error)
    _trim(trace)
    if not (trace.stack or trace.__cause__ or trace.__context__):
        return "".join(trace.format_exception_only())  # such as a SyntaxError in the file
    return "".join(trace.format())


def _trim(trace: TracebackException) -> None:
    trace.stack = _Folded(frame for frame in trace.stack if not frames.is_ours(frame.filename))
    if getattr(trace, "filename", None):  # of a SyntaxError
        trace.filename = frames.short(trace.filename)
    inner = [trace.__cause__, trace.__context__, *(getattr(trace, "exceptions", None) or [])]
    for other in inner:
        if other is not None:
            _trim(other)


class _Folded(StackSummary):
    """A stack of which the frames that are not the person's take one line."""

    def format(self, **options: Any) -> list[str]:
        lines = []
        last = self[-1] if self else None
        for hidden, group in groupby(
            self, lambda frame: frame is not last and not frames.is_persons(frame.filename)
        ):
            run = list(group)
            lines += [_fold(run)] if hidden else _shown(run).format(**options)
        return lines


def _fold(run: list[FrameSummary]) -> str:
    names = list(dict.fromkeys(frames.package(frame.filename) for frame in run))
    count = f"{len(run)} frame{'s' * (len(run) > 1)}"
    return f"  ... {count} of {', '.join(names)}\n"


def _shown(run: list[FrameSummary]) -> StackSummary:
    for frame in run:
        _ = frame.line  # is looked up by the name of the file
        frame.filename = frames.short(frame.filename)
    return StackSummary.from_list(run)
