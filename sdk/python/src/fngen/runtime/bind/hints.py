"""Read type hints: resolve names, take wrappers off, find constraints."""

from __future__ import annotations

import datetime as dt
import decimal
import inspect
import ipaddress
import numbers
import pathlib
import re
import sys
import types
import typing
import uuid
from typing import Any, Callable

from fngen.runtime.bind import scalars, times
from fngen.runtime.bind.node import EVERY, Node, Opaque, Scalar

_STRING = frozenset(("string",))
_TIME = frozenset(("string", "number"))
_LAX_NUMBER = frozenset(("string", "number", "bool"))


class Unbindable(Exception):  # noqa: N818  # it says what is so
    """A function takes what cannot be made from data. Each line names one thing."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines


def _any() -> Node:
    return Scalar("any", "anything", scalars.anything, EVERY)


def _null() -> Node:
    return Scalar("none", "null", scalars.nothing, frozenset(("null",)), (type(None),))


def _text(tag: str, name: str, lax: Callable[[Any], Any]) -> Callable[[], Node]:
    return lambda: Scalar(tag, name, lax, _STRING, (), (str,))


def _of_text(name: str, make: Callable[[Any], Any], *more: str) -> Callable[[], Node]:
    return lambda: Opaque(name, make, _STRING | set(more))


# Each makes its node, since a node remembers what it is part of.
SCALAR_TYPES: dict[Any, Callable[[], Node]] = {
    Any: _any,
    object: _any,
    inspect.Parameter.empty: _any,
    None: _null,
    type(None): _null,
    bool: lambda: Scalar("bool", "bool", scalars.boolean, _LAX_NUMBER, (bool,)),
    int: lambda: Scalar("int", "int", scalars.integer, _LAX_NUMBER, (int,)),
    float: lambda: Scalar("float", "float", scalars.floating, _LAX_NUMBER, (float,), (float, int)),
    numbers.Number: lambda: Scalar(
        "float", "number", scalars.floating, _LAX_NUMBER, (float,), (float, int)
    ),
    str: lambda: Scalar("str", "str", scalars.text, _STRING, (str,)),
    bytes: lambda: Scalar(
        "bytes", "bytes", scalars.octets, _STRING | {"object"}, (dict,), (str, dict)
    ),
    bytearray: lambda: Scalar(
        "bytes",
        "bytes",
        lambda value: bytearray(scalars.octets(value)),
        _STRING | {"object"},
        (dict,),
        (str, dict),
    ),
    decimal.Decimal: lambda: Scalar(
        "decimal", "Decimal", scalars.decimal, _TIME, (), (str, int, float)
    ),
    # datetime is a date too, so it stands before it.
    dt.datetime: lambda: Scalar("datetime", "datetime", times.moment, _TIME, (), (str,)),
    dt.date: lambda: Scalar("date", "date", times.day, _TIME, (), (str,)),
    dt.time: lambda: Scalar("time", "time", times.clock, _TIME, (), (str,)),
    dt.timedelta: lambda: Scalar("timedelta", "timedelta", times.span, _TIME, (), (str,)),
    uuid.UUID: _text("uuid", "UUID", scalars.uid),
    pathlib.Path: _text("path", "Path", scalars.path),
    pathlib.PurePath: _text("path", "Path", scalars.path),
    pathlib.PurePosixPath: _text("path", "Path", lambda v: pathlib.PurePosixPath(scalars.path(v))),
    ipaddress.IPv4Address: lambda: Scalar("ipv4", "IPv4Address", scalars.ipv4, _TIME, (), (str,)),
    ipaddress.IPv6Address: lambda: Scalar("ipv6", "IPv6Address", scalars.ipv6, _TIME, (), (str,)),
    ipaddress.IPv4Network: _of_text("IPv4Network", ipaddress.IPv4Network, "number"),
    ipaddress.IPv6Network: _of_text("IPv6Network", ipaddress.IPv6Network, "number"),
    ipaddress.IPv4Interface: _of_text("IPv4Interface", ipaddress.IPv4Interface, "number"),
    ipaddress.IPv6Interface: _of_text("IPv6Interface", ipaddress.IPv6Interface, "number"),
    re.Pattern: _of_text("pattern", re.compile),
    typing.Pattern: _of_text("pattern", re.compile),
    re.Pattern[str]: _of_text("pattern", re.compile),
    typing.Pattern[str]: _of_text("pattern", re.compile),
    typing.AnyStr: lambda: Scalar("str", "str", scalars.text, _STRING, (str,)),
}
# Classes of the standard library that are made like the person's own.
BARE = frozenset((dict, list, tuple, set, frozenset))

_WRAPPERS = {
    getattr(module, name, None)
    for module in (typing, sys.modules.get("typing_extensions"))
    for name in ("Final", "ClassVar", "Required", "NotRequired", "ReadOnly")
} - {None}
_BOUNDS = {
    "gt": "gt",
    "ge": "ge",
    "lt": "lt",
    "le": "le",
    "multiple_of": "multiple_of",
    "min_length": "min",
    "max_length": "max",
    "pattern": "pattern",
}


def resolve(annotation: Any, owner: Any) -> Any:
    """Turn an annotation of owner, a function or a class, into a type."""
    names = getattr(owner, "__globals__", None)
    if names is None:
        names = vars(sys.modules.get(getattr(owner, "__module__", ""), types.ModuleType("")))
    probe = types.SimpleNamespace(__annotations__={"it": annotation})
    try:
        return typing.get_type_hints(probe, names, None, include_extras=True)["it"]
    except NameError as error:
        raise Unbindable([f"{annotation!r} names {error.name!r}, which is not there"]) from error
    except Exception as error:
        raise Unbindable([f"{annotation!r} is no type: {type(error).__name__}: {error}"]) from error


def of_class(cls: type) -> dict[str, Any]:
    """List the annotations of a class and its bases, resolved."""
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except NameError as error:
        missing = getattr(error, "name", None) or str(error)
        raise Unbindable([f"class {cls.__name__} names {missing!r}, which is not there"]) from error
    except Exception as error:
        raise Unbindable(
            [f"class {cls.__name__} has annotations that are no types: {error}"]
        ) from error


def stripped(hint: Any) -> Any:
    """Take off what says nothing about the value: Final, Required and the like."""
    while typing.get_origin(hint) in _WRAPPERS:
        hint = typing.get_args(hint)[0]
    bare = any(hint is wrapper for wrapper in _WRAPPERS)
    return Any if bare else hint


def is_wrapped(hint: Any, name: str) -> bool:
    """Say whether a wrapper of that name is around the hint."""
    while typing.get_origin(hint) in _WRAPPERS or typing.get_origin(hint) is typing.Annotated:
        if str(typing.get_origin(hint)).endswith(f".{name}"):
            return True
        hint = typing.get_args(hint)[0]
    return False


def unpacked(hint: Any) -> Any | None:
    """Return the TypedDict of **kwargs: Unpack[TypedDict], or None."""
    origin = typing.get_origin(hint)
    if origin is not None and str(origin).endswith(".Unpack"):
        return typing.get_args(hint)[0]
    return None


def literals(hint: Any) -> list[Any]:
    """List the values of a Literal, those of Literals within it too."""
    found: list[Any] = []
    for value in typing.get_args(hint):
        found += literals(value) if typing.get_origin(value) is typing.Literal else [value]
    return found


def bounds(metadata: tuple[Any, ...]) -> dict[str, Any]:
    """Find constraints in what Annotated carries: annotated_types, pydantic, msgspec."""
    found: dict[str, Any] = {}
    for item in metadata:
        for part in (item, *(getattr(item, "metadata", None) or ())):
            for attribute, name in _BOUNDS.items():
                value = getattr(part, attribute, None)
                if isinstance(part, type) or value is None or callable(value):
                    continue
                found[name] = getattr(value, "pattern", value) if name == "pattern" else value
    if found.get("min") == 0:
        del found["min"]
    return found


def scope(cls: type, args: tuple[Any, ...]) -> dict[Any, Any]:
    """Say what the type variables of a class and of its bases stand for."""
    found = dict(zip(getattr(cls, "__parameters__", ()), args))
    for base in getattr(cls, "__orig_bases__", ()):
        origin = typing.get_origin(base)
        if isinstance(origin, type) and origin is not typing.Generic:
            given = [found.get(arg, arg) for arg in typing.get_args(base)]
            found = {**scope(origin, tuple(given)), **found}
    return found


def named(hint: Any) -> str:
    """Write a type as a person would."""
    args = typing.get_args(hint)
    origin = typing.get_origin(hint) or hint
    name = getattr(origin, "__qualname__", None) or str(hint).replace("typing.", "")
    name = name.rpartition("<locals>.")[2]
    return f"{name}[{', '.join(named(arg) for arg in args)}]" if args else name
