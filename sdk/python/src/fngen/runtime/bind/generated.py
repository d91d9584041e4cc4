"""Functions written for one type: they read the fields of an object without a loop.

They do only what succeeds. What does not fit raises KeyError or Refused, and whoever called
them has the faults collected in the ordinary way.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Callable

from fngen.runtime.bind import scalars
from fngen.runtime.bind.faults import Refused
from fngen.runtime.bind.node import Load

# A value that has the type already is what these make of it.
_AS_IT_IS: dict[Any, str] = {
    scalars.integer: "int",
    scalars.floating: "float",
    scalars.text: "str",
    scalars.boolean: "bool",
}

Reader = Callable[[dict[str, Any]], dict[str, Any]]
# What says that the ordinary way is to be taken.
MISFIT = (KeyError, Refused)


def reader(fields: Iterable[tuple[str, str, Load, bool]]) -> Reader:
    """Write a function that reads fields, given as key, name, load and whether required.

    It raises one of MISFIT where a field is missing, does not fit, or is not known.
    """
    places: dict[str, Any] = {"Refused": Refused}
    always: list[str] = []
    perhaps: list[str] = []
    for i, (key, name, load, required) in enumerate(fields):
        places[f"load{i}"] = load
        kind = _AS_IT_IS.get(load)
        if kind is None:
            made = f"load{i}(value[{key!r}])"
        else:
            made = f"one if type(one := value[{key!r}]) is {kind} else load{i}(one)"
        if required:
            always.append(f"{name!r}: {made}")
        else:
            perhaps.append(f"    if {key!r} in value:\n        given[{name!r}] = {made}\n")
    source = (
        "def read(value):\n"
        f"    given = {{{', '.join(always)}}}\n"
        f"{''.join(perhaps)}"
        "    if len(given) != len(value):\n"
        "        raise Refused([])\n"
        "    return given\n"
    )
    exec(compile(source, "<fields>", "exec"), places)  # noqa: S102  # names and keys are written as literals
    read: Reader = places["read"]
    return read
