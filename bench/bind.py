"""What it takes to read a task's payload and bind it to the function: python3 bench/bind.py.

Beside it stands json.loads alone, which checks and makes nothing. Each figure is the
least of many turns: what else the machine does only adds to it.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import pathlib
import sys
import timeit
import uuid
from typing import Any, Callable, Optional

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "sdk/python/src"))

from fngen.runtime.bind import decode, signature

TURNS, CALLS = 50, 2000


class Speed(enum.Enum):
    """One of the types of the medium payload."""

    SLOW = "slow"
    FAST = "fast"


@dataclasses.dataclass
class Item:
    """Another one."""

    name: str
    count: int
    price: float


def small(a: int, b: str) -> None:
    """Take two scalars."""


def medium(
    key: uuid.UUID,
    at: datetime.datetime,
    items: list[Item],
    speed: Speed,
    total: decimal.Decimal,
    note: Optional[str] = None,
) -> None:
    """Take what an order may have."""


SMALL = {"a": 1, "b": "two"}
MEDIUM = {
    "key": "0190a5c8-7c1e-7b7e-9d0c-5a1f0e6c9b11",
    "at": "2026-03-01T12:30:00Z",
    "items": [{"name": f"item {n}", "count": n, "price": n + 0.5} for n in range(3)],
    "speed": "fast",
    "total": "12.50",
}


def least(call: Callable[[], Any]) -> float:
    """Return the microseconds that a call takes."""
    return min(timeit.repeat(call, number=CALLS, repeat=TURNS)) / CALLS * 1e6


def measure(function: Callable[..., None], payload: dict[str, Any]) -> None:
    """Print the figures of one function."""
    data, bound = json.dumps(payload).encode(), signature(function)
    ours, alone = least(lambda: bound.bind(decode(data))), least(lambda: json.loads(data))
    print(f"{function.__name__}: {ours:.2f} us, json.loads alone {alone:.2f} us")


if __name__ == "__main__":
    measure(small, SMALL)
    measure(medium, MEDIUM)
