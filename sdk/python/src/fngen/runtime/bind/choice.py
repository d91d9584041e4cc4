"""Choose: members of a union, values of an Enum or Literal, and constraints."""

from __future__ import annotations

import enum
import math
import re
from typing import Any, Callable

from fngen.runtime.bind.faults import Refused, refuse
from fngen.runtime.bind.node import EXACT, LAX, STRICT, Load, Node, Schema, kind_of


class Union(Node):
    """One of several types: the one that fits most closely.

    Where each member is an object with a field of a literal text of its own, that
    field alone decides, and only that member's faults are told.
    """

    def __init__(self, members: list[Node]) -> None:
        super().__init__()
        self.members = members
        self.name = " or ".join(member.name for member in members)
        self.takes = frozenset().union(*(member.takes for member in members))
        known = {member.hashable for member in members}
        self.hashable = None if len(known) > 1 or None in known else known.pop()
        self.tag, self.tagged = _tags(members)

    def make(self, mode: int) -> Load:  # noqa: D102
        if mode == LAX and self._is_optional():
            return self._optional(self.members[0].load())
        modes = [m for m in (EXACT, STRICT, LAX) if m <= mode]
        loads = {m: [member.load(m) for member in self.members] for m in modes}
        tagged = {value: self.members[i].load(mode) for value, i in self.tagged.items()}
        members, tag = self.members, self.tag

        def load(value: Any) -> Any:
            if tag and type(value) is dict and type(value.get(tag)) is str:
                found = tagged.get(value[tag])
                if found is None:
                    raise _no_tag(tag, tagged, value[tag])
                return found(value)
            for m in modes:
                best, most = None, -1
                for member, one in zip(members, loads[m]):
                    try:
                        made = one(value)
                    except Refused:
                        continue
                    filled = member.fields_set(value)
                    if filled > most:
                        best, most = (made,), filled
                if best:
                    return best[0]
            raise self._refused(value, loads[mode])

        return load

    def _is_optional(self) -> bool:
        first, *rest = self.members
        return [one.name for one in rest] == ["null"] and "null" not in first.takes

    @staticmethod
    def _optional(of: Load) -> Load:
        """Make what is most unions: a type or null, where there is nothing to choose."""
        return lambda value: None if value is None else of(value)

    def _refused(self, value: Any, loads: list[Load]) -> Refused:
        fitting = [i for i, one in enumerate(self.members) if kind_of(value) in one.takes]
        inner: list[Refused] = []
        for i in fitting if kind_of(value) in ("array", "object") else []:
            try:
                loads[i](value)
            except Refused as refused:
                inner.append(refused)
        if not inner:
            return refuse("union", self.name, value)
        best = min(inner, key=lambda refused: len(refused.faults))
        if len(self.members) > 1:
            for fault in best.faults:
                fault.expected += " or …" if len(inner) > 1 else ""
        return best

    def schema(self, types: Schema) -> Schema:  # noqa: D102
        made: Schema = {"t": "union", "name": self.name}
        made["of"] = [member.schema(types) for member in self.members]
        if self.tag:
            made["tag"] = {"field": self.tag, "values": self.tagged}
        return made

    def fields_set(self, value: Any) -> int:  # noqa: D102
        return max(member.fields_set(value) for member in self.members)


def _no_tag(tag: str, known: dict[str, Any], value: Any) -> Refused:
    names = " or ".join(repr(name) for name in known)
    refused = refuse("tag", names, value)
    return Refused([fault.below(tag) for fault in refused.faults])


def _tags(members: list[Node]) -> tuple[str, dict[str, int]]:
    """Find the field that tells all members apart, and which member has which value."""
    tables = [getattr(member, "literals", {}) for member in members]
    for field in tables[0]:
        found: dict[str, int] = {}
        count = 0
        for i, table in enumerate(tables):
            for value in table.get(field, ()):
                found[value] = i
                count += 1
        if all(field in table for table in tables) and len(found) == count and len(members) > 1:
            return field, found
    return "", {}


class Literal(Node):
    """One of the given values, of their very type."""

    def __init__(self, values: list[Any]) -> None:
        super().__init__()
        self.plain = [one.value if isinstance(one, enum.Enum) else one for one in values]
        self.name = " or ".join(repr(value) for value in self.plain)
        self.takes = frozenset(kind_of(value) for value in self.plain)
        self._made = {(type(plain), plain): one for plain, one in zip(self.plain, values)}

    def make(self, mode: int) -> Load:  # noqa: D102
        made, name = self._made, self.name

        def load(value: Any) -> Any:
            try:
                return made[type(value), value]
            except (KeyError, TypeError):
                raise refuse("literal", name, value) from None

        return load

    def schema(self, types: Schema) -> Schema:  # noqa: D102
        return {"t": "literal", "name": self.name, "values": self.plain}


class Enumeration(Node):
    """A member of an Enum, by its value: as it is, or as the type of the values makes it."""

    takes = frozenset(("null", "bool", "number", "string", "array"))

    def __init__(self, cls: type[enum.Enum], of: Node | None) -> None:
        super().__init__()
        self.cls, self._of = cls, of
        self.values = [member.value for member in cls]
        self.name = " or ".join(repr(value) for value in self.values[:20]) or "nothing"
        self.hashable = cls.__hash__ is not None
        own = cls.__dict__.get("_missing_") or getattr(cls, "_missing_", None)
        usual = enum.Enum.__dict__["_missing_"]
        self._known = getattr(own, "__func__", own) is getattr(usual, "__func__", usual)
        simple = all(type(value) in (str, int, float, bool, type(None)) for value in self.values)
        self._plain = simple and self._known and not issubclass(cls, enum.Flag)

    def make(self, mode: int) -> Load:  # noqa: D102
        cls, name = self.cls, self.name
        members = {(type(member.value), member.value): member for member in _hashable(cls)}
        of = self._of.load() if self._of and mode == LAX else None

        def load(value: Any) -> Any:
            if mode == EXACT:
                raise refuse("enum", name, value)
            try:
                found = members.get((type(value), value))
                if found is not None:
                    return found
                if of is not None:
                    made = of(value)
                    found = members.get((type(made), made))
                    if found is not None:
                        return found
                if self._plain:
                    raise refuse("enum", name, value)
                return cls(tuple(value) if type(value) is list else value)
            except Exception:
                raise refuse("enum", name, value) from None

        return load

    def schema(self, types: Schema) -> Schema:  # noqa: D102
        if not self._plain:
            return {"t": "opaque", "name": self.name, "takes": sorted(self.takes)}
        made: Schema = {"t": "enum", "name": self.name, "values": self.values}
        return {**made, "as": self._of.schema(types)} if self._of else made


def _hashable(cls: type[enum.Enum]) -> list[enum.Enum]:
    return [member for member in cls if getattr(type(member.value), "__hash__", None)]


class Bounded(Node):
    """A type with constraints: gt ge lt le multiple_of, min and max for a length, pattern."""

    def __init__(self, of: Node, bounds: Schema) -> None:
        super().__init__()
        self.of, self.bounds, self.takes, self.hashable = of, bounds, of.takes, of.hashable
        said = ", ".join(f"{name} {value}" for name, value in sorted(bounds.items()))
        self.name = f"{of.name} ({said})"
        self.literals = getattr(of, "literals", {})

    def make(self, mode: int) -> Load:  # noqa: D102
        of, name, bounds = self.of.load(mode), self.name, self.bounds
        pattern = re.compile(bounds["pattern"]) if "pattern" in bounds else None

        def load(value: Any) -> Any:
            made = of(value)
            try:
                fits = _within(made, bounds) and (not pattern or bool(pattern.search(made)))
            except (TypeError, ArithmeticError) as error:
                raise refuse("bounds", name, value, str(error)) from None
            if not fits:
                raise refuse("bounds", name, value)
            return made

        return load

    def schema(self, types: Schema) -> Schema:  # noqa: D102
        of = self.of.schema(types)
        if of["t"] not in ("int", "float", "str", "bytes", "array", "dict"):
            return of  # only Python compares such values
        plain = {k: v for k, v in self.bounds.items() if _is_plain(k, v)}
        return {"t": "bounded", "name": self.name, "of": of, "bounds": plain}

    def fields_set(self, value: Any) -> int:  # noqa: D102
        return self.of.fields_set(value)


def _is_plain(name: str, value: Any) -> bool:
    return type(value) is int or (type(value) is float and name not in ("min", "max"))


def _within(value: Any, bounds: Schema) -> bool:
    if isinstance(value, float) and math.isnan(value) and bounds:
        return False
    tests: dict[str, Callable[[Any], bool]] = {
        "gt": lambda bound: value > bound,
        "ge": lambda bound: value >= bound,
        "lt": lambda bound: value < bound,
        "le": lambda bound: value <= bound,
        "multiple_of": lambda bound: not value % bound,
        "min": lambda bound: len(value) >= bound,
        "max": lambda bound: len(value) <= bound,
    }
    return all(tests[name](bound) for name, bound in bounds.items() if name in tests)
