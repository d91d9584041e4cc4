"""What a request failed with, when its application deals with it by itself.

Flask and Django answer 500 to an exception and log it; only the log record holds
it. So records are looked at as they are made, while somebody wants to know.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_wanted: ContextVar[list[BaseException] | None] = ContextVar("fngen_request_errors", default=None)


def install() -> None:
    """Look at every log record from now on."""
    make = logging.getLogRecordFactory()

    def factory(*args: Any, **options: Any) -> logging.LogRecord:
        record = make(*args, **options)
        if record.exc_info and record.levelno >= logging.ERROR:
            note(record.exc_info[1])
        return record

    logging.setLogRecordFactory(factory)


@contextmanager
def collect() -> Iterator[list[BaseException]]:
    """Collect the exceptions that are noted in this context."""
    found: list[BaseException] = []
    token = _wanted.set(found)
    try:
        yield found
    finally:
        _wanted.reset(token)


def note(error: BaseException | None) -> None:
    """Keep error for whoever collects in this context."""
    found = _wanted.get()
    if found is not None and error is not None:
        found.append(error)
