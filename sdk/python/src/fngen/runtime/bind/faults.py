"""What is wrong with a payload: each field, with its place and what was expected."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from typing import Any, Union

# A payload of a thousand bad fields is told by the first of them and their number.
MOST_FAULTS = 100
_MOST_INPUT = 200
_SECRET = re.compile(r"pass(word|wd|phrase)?$|secret|token|api_?key|credential", re.IGNORECASE)

# Begins the reason that stands behind what was expected and what came.
_WHY = ": "

Loc = tuple[Union[str, int], ...]


class Fault:
    """One field that does not fit.

    Its words are made when somebody asks for them: a union refuses a value many
    times before it finds who takes it.
    """

    __slots__ = ("_words", "expected", "input", "loc", "type")

    def __init__(self, kind: str, expected: str, words: str, value: Any, loc: Loc = ()) -> None:
        self.loc = loc
        self.type = kind
        self.expected = expected
        self.input = value
        self._words = words

    @property
    def msg(self) -> str:
        """Say what is wrong, without the place."""
        if not self._words or self._words.startswith(_WHY):
            return f"expected {self.expected}, got {shown(self.input)}{self._words}"
        return self._words

    def below(self, *loc: str | int) -> Fault:
        """Return the same fault, seen from outside."""
        return Fault(self.type, self.expected, self._words, self.input, (*loc, *self.loc))

    def plain(self) -> dict[str, Any]:
        """Return the fault as the platform tells it; what looks like a secret is covered."""
        hidden = any(isinstance(part, str) and _SECRET.search(part) for part in self.loc)
        return {
            "loc": list(self.loc),
            "type": self.type,
            "expected": self.expected,
            "msg": self.msg,
            "input": "[hidden]" if hidden else shown(self.input),
        }

    def __str__(self) -> str:
        where = place(self.loc)
        return f"{where}: {self.msg}" if where else self.msg


class Refused(Exception):  # noqa: N818  # it says what is so
    """A value does not fit. Each fault is named."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(faults)
        self.faults = faults

    def plain(self) -> list[dict[str, Any]]:
        """Return the faults as data, the first hundred of them."""
        return [fault.plain() for fault in self.faults[:MOST_FAULTS]]

    def __str__(self) -> str:
        return "; ".join(str(fault) for fault in self.faults[:MOST_FAULTS])


def refuse(kind: str, expected: str, value: Any, why: str = "") -> Refused:
    """Refuse one value."""
    return Refused([Fault(kind, expected, _WHY + why if why else "", value)])


def missing(name: str, expected: str) -> Fault:
    """Name a field that is not there."""
    return Fault("missing", expected, f"is missing, expected {expected}", None, (name,))


def unexpected(name: str, value: Any, known: Iterable[str]) -> Fault:
    """Name a field that nothing takes, and the one that was likely meant."""
    msg = "is not expected"
    near = difflib.get_close_matches(name, list(known), 1)
    if near:
        msg += f"; did you mean {near[0]!r}?"
    return Fault("unexpected", "nothing", msg, value, (name,))


def place(loc: Loc) -> str:
    """Write a place as one would in code: items[1].qty."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def shown(value: Any) -> str:
    """Write a value as JSON, cut to what a person reads."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=repr)
    except (ValueError, RecursionError):
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _MOST_INPUT else text[: _MOST_INPUT - 1] + "…"
