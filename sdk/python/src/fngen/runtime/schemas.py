"""Write what task workers take, in a job of the push: one schema for each function.

The control plane holds payloads against them and never runs the person's code. What
cannot be made from data is refused here, with the line of its function.
"""

from __future__ import annotations

import inspect
import json
import linecache
import os
import sys
from typing import Any, Callable

from fngen.runtime import cause, load
from fngen.runtime.bind import Unbindable, signature
from fngen.runtime.failure import StartError, report

_MOST_TOLD = 20


def run(tree: str, directory: str, functions: list[str], to_person: Callable[[], None]) -> int:
    """Write directory/NAME.json for each FILE:NAME; return the exit code."""
    to_person()
    problems: list[tuple[str, int, str, str]] = []
    for place in functions:
        file, _, name = place.rpartition(":")
        try:
            found = load.function(tree, file, name)
            schema = signature(found).schema()
        except StartError as failure:
            report(failure)
            return 1
        except Unbindable as error:
            line = _line(found)
            problems += [(file, line, name, text) for text in error.lines]
            continue
        with open(os.path.join(directory, f"{name}.json"), "w", encoding="utf-8") as out:
            json.dump(schema, out)
    if problems:
        _report(problems[:_MOST_TOLD])
        return 1
    return 0


def _line(function: Callable[..., Any]) -> int:
    """Find the line of the def, which stands below its decorators."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return 0
    first: int = code.co_firstlineno
    for line in range(first, first + 50):
        if linecache.getline(code.co_filename, line).lstrip().startswith(("def ", "async def ")):
            return line
    return first


def _report(problems: list[tuple[str, int, str, str]]) -> None:
    records = []
    for file, line, name, text in problems:
        print(f"{file}:{line}: {text}", file=sys.stderr, flush=True)
        record = cause.of_text("bind", text)
        record["frames"] = [{"file": file, "line": line, "column": 0, "width": 0, "function": name}]
        records.append(record)
    cause.write({**records[0], "causes": records[1:]})
