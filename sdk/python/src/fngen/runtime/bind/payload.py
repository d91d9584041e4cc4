"""Read the bytes of a payload as strict JSON.

Strict is what every reader agrees on: RFC 8259 in UTF-8, with neither NaN nor
numbers that are too large, nor half a surrogate pair, nor nesting without end.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Callable

from fngen.runtime.bind.faults import Fault, Refused

MOST_DEPTH = 200
# Python itself reads no longer one: the time for it grows with the square.
MOST_DIGITS = 4300

_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def decode(data: bytes) -> Any:
    """Return what data says; nothing at all is null."""
    if not data.strip(b" \t\r\n"):
        return None
    try:
        if data.count(b"[") + data.count(b"{") > MOST_DEPTH and _depth(data) > MOST_DEPTH:
            raise ValueError(f"it is nested more than {MOST_DEPTH} deep")
        value = _decode(data)
        if _ESCAPED_SURROGATE.search(data):
            _whole_characters(value)
    except UnicodeDecodeError as error:
        raise _bad(f"it is not UTF-8 at byte {error.start}") from None
    except UnicodeEncodeError:
        raise _bad("it has half of a surrogate pair, which is no character") from None
    except (ValueError, RecursionError) as error:
        raise _bad(str(error)) from None
    return value


def _bad(why: str) -> Refused:
    return Refused(
        [Fault("json", "JSON", f"the payload is not JSON that fngen takes: {why}", None)]
    )


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"a number has more than {MOST_DIGITS} digits")
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number is too large")
    return value


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _decode(data: bytes) -> Any:
    text = data.decode("utf-8", "strict")
    # A function of ours for each integer is slow: only a long text needs it.
    if len(text) > MOST_DIGITS:
        return _careful(text)
    try:
        value, end = _scan(text, 0)
    except StopIteration:  # nothing of JSON begins there: spaces, or a fault
        return _careful(text)
    return value if end == len(text) else _careful(text)


def _careful(text: str) -> Any:
    if text.startswith("\ufeff"):
        raise ValueError("it begins with a byte order mark")
    return _decoder.decode(text)


_decoder = json.JSONDecoder(parse_int=_integer, parse_float=_number, parse_constant=_constant)
_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder(
    parse_float=_number, parse_constant=_constant
).scan_once  # type: ignore[attr-defined]  # what decode itself calls


_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def _depth(data: bytes) -> int:
    """Say how deep data is nested, up to one more than it may be."""
    left = _TEXT.sub(b"", data).translate(_ONE_KIND, _NO_BRACKETS)
    depth = 0
    # Each round takes away what has nothing within it: what is not whole is refused later.
    while b"[]" in left and depth <= MOST_DEPTH:
        left = left.replace(b"[]", b"")
        depth += 1
    return depth + left.count(b"[")


def _whole_characters(value: Any) -> None:
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, list):
        for item in value:
            _whole_characters(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            key.encode()
            _whole_characters(item)
