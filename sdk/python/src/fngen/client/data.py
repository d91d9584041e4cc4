"""Write what a task is given as JSON, or say in words why it cannot be."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import decimal
import enum
import json
import uuid
from collections import deque
from pathlib import PurePath
from typing import Any

# What the platform takes, and what of it goes with other tasks in one request.
MOST_BYTES = 64 << 20
MOST_IN_MESSAGE = 1 << 20


def encode(payload: Any) -> bytes:
    """Return payload as JSON; raise TypeError or ValueError in words that say what to do."""
    try:
        text = json.dumps(_plain(payload, "payload"), ensure_ascii=False, allow_nan=False)
        data = text.encode()
    except UnicodeEncodeError:
        raise ValueError("a text of the payload has half of a surrogate pair") from None
    except RecursionError:
        raise ValueError("the payload holds itself, or is nested too deep") from None
    except ValueError as error:
        raise ValueError(f"the payload cannot be written as JSON: {error}") from None
    if len(data) > MOST_BYTES:
        raise ValueError(
            f"the payload has {len(data)} bytes, a task takes {MOST_BYTES >> 20} MiB: put the data "
            "where the function reads it, such as a bucket, and send its place"
        )
    return data


def _plain(value: Any, place: str) -> Any:
    if value is None or isinstance(value, (str, bool, int, float)):
        return value.value if isinstance(value, enum.Enum) else value
    if isinstance(value, dict):
        return {_key(k, place): _plain(v, f"{place}[{k!r}]") for k, v in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        raise TypeError(f"{place} is the named tuple {_name(value)}: send it as {place}._asdict()")
    if isinstance(value, (list, tuple, set, frozenset, deque)):
        return [_plain(item, f"{place}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, enum.Enum):
        return _plain(value.value, place)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, (decimal.Decimal, uuid.UUID, PurePath)):
        return str(value)
    if isinstance(value, (bytes, bytearray)):
        return {"$b64": base64.b64encode(value).decode()}
    raise TypeError(f"{place} is {_article(value)}, which is no JSON: {_advice(value, place)}")


def _key(key: Any, place: str) -> str:
    if isinstance(key, bool) or not isinstance(key, (str, int)):
        raise TypeError(f"{place} has the key {key!r}: the keys of JSON are texts")
    return str(key)


def _advice(value: Any, place: str) -> str:
    if callable(getattr(value, "model_dump", None)):
        return f"send {place}.model_dump(mode='json')"
    if callable(getattr(value, "dict", None)) and hasattr(value, "__fields__"):
        return f"send json.loads({place}.json())"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return f"send dataclasses.asdict({place})"
    if hasattr(value, "__attrs_attrs__"):
        return f"send attrs.asdict({place})"
    if hasattr(value, "__struct_fields__"):
        return f"send msgspec.to_builtins({place})"
    if hasattr(value, "_meta") and hasattr(value, "pk"):
        return "send its primary key, and have the function read it"
    return "send what it is made of: texts, numbers, lists, dictionaries, dates"


def _name(value: Any) -> str:
    return type(value).__qualname__


def _article(value: Any) -> str:
    return f"of the class {_name(value)}"
