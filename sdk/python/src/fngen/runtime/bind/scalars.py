"""Make values of one piece: numbers, texts, truth, bytes, ids, addresses.

The table is that of pydantic's lax mode for JSON, so that nobody who knows it is
surprised. Each text is held to one written form that pkg/binding knows too: what
Python's own constructors take besides differs from one version to the next.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import pathlib
import re
import uuid
from decimal import Decimal
from typing import Any

from fngen.runtime.bind.faults import refuse

_INT = re.compile(r"[ \t\n\r\f\v]*([+-]?[0-9]+(?:_[0-9]+)*)(?:\.0+)?[ \t\n\r\f\v]*", re.ASCII)
_FLOAT = re.compile(
    r"[ \t\n\r\f\v]*(?:[+-]?(?:[0-9]+(?:_[0-9]+)*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?"
    r"|[+-]?(?:[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN]))[ \t\n\r\f\v]*",
    re.ASCII,
)
_DECIMAL = re.compile(
    r"[ \t\n\r\f\v]*[+-]?(?:[0-9]+(?:_[0-9]+)*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?"
    r"[ \t\n\r\f\v]*",
    re.ASCII,
)
_UUID = re.compile(
    r"(?:urn:uuid:)?(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32})"
    r"|\{[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}",
    re.ASCII,
)
_TRUE = frozenset(("true", "yes", "on", "t", "y", "1"))
_FALSE = frozenset(("false", "no", "off", "f", "n", "0"))
_MOST_DIGITS = 4300


def integer(value: Any) -> int:
    """Make an int, without losing anything."""
    kind = type(value)
    if kind is int:
        return value  # type: ignore[no-any-return]
    if kind is float and value.is_integer():
        return int(value)
    if kind is str:
        found = _INT.fullmatch(value)
        if found and len(found[1]) <= _MOST_DIGITS:
            return int(found[1])
    elif kind is bool:
        return int(value)
    raise refuse("int", "int", value)


def floating(value: Any) -> float:
    """Make a float."""
    kind = type(value)
    if kind is float:
        return value  # type: ignore[no-any-return]
    if kind is int or kind is bool:
        try:
            return float(value)
        except OverflowError:
            raise refuse("float", "float", value, "it is too large") from None
    if kind is str and _FLOAT.fullmatch(value):
        return float(value)
    raise refuse("float", "float", value)


def boolean(value: Any) -> bool:
    """Make a bool."""
    kind = type(value)
    if kind is bool:
        return value  # type: ignore[no-any-return]
    if kind in (int, float) and value in (0, 1):
        return bool(value)
    if kind is str and value.isascii():
        word = value.lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
    raise refuse("bool", "bool", value)


def text(value: Any) -> str:
    """Take a str, and nothing else."""
    if type(value) is str:
        return value
    raise refuse("str", "str", value)


def nothing(value: Any) -> None:
    """Take null."""
    if value is not None:
        raise refuse("null", "null", value)


def anything(value: Any) -> Any:
    """Take what comes."""
    return value


def decimal(value: Any) -> Decimal:
    """Make a Decimal; a float is what it prints as."""
    kind = type(value)
    if kind is int:
        return Decimal(value)
    if kind is float:
        return Decimal(repr(value))
    if kind is str and _DECIMAL.fullmatch(value):
        return Decimal(value.strip())
    raise refuse("decimal", "Decimal", value)


def octets(value: Any) -> bytes:
    """Make bytes: of a text in UTF-8, or of {"$b64": ...}, which fngen's client sends."""
    if type(value) is str:
        return value.encode()
    if type(value) is dict and len(value) == 1 and type(value.get("$b64")) is str:
        try:
            return base64.b64decode(value["$b64"].encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raise refuse("bytes", "bytes", value, "it is not base64") from None
    raise refuse("bytes", "bytes", value)


def uid(value: Any) -> uuid.UUID:
    """Make a UUID, of its usual form, hex digits or a URN."""
    if type(value) is str and _UUID.fullmatch(value):
        return uuid.UUID(value)
    raise refuse("uuid", "UUID", value)


def path(value: Any) -> pathlib.Path:
    """Make a Path."""
    if type(value) is str:
        return pathlib.Path(value)
    raise refuse("path", "Path", value)


def ipv4(value: Any) -> ipaddress.IPv4Address:
    """Make an IPv4Address, of a text or a number."""
    if type(value) in (str, int):
        try:
            return ipaddress.IPv4Address(value)
        except ValueError:
            pass
    raise refuse("ipv4", "IPv4Address", value)


def ipv6(value: Any) -> ipaddress.IPv6Address:
    """Make an IPv6Address, of a text or a number."""
    if type(value) in (str, int):
        try:
            return ipaddress.IPv6Address(value)
        except ValueError:
            pass
    raise refuse("ipv6", "IPv6Address", value)
