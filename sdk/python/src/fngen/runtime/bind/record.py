"""Make objects with fields: dataclasses, TypedDicts, NamedTuples, attrs."""

from __future__ import annotations

from typing import Any, Callable

from fngen.runtime.bind.choice import Literal
from fngen.runtime.bind.faults import Fault, Refused, missing, refuse, unexpected
from fngen.runtime.bind.generated import MISFIT, reader
from fngen.runtime.bind.node import Load, Node, Schema, gather


class Field:
    """One field: its name in the data, that of the parameter, and its type."""

    __slots__ = ("key", "name", "node", "required")

    def __init__(self, name: str, node: Node, required: bool, key: str | None = None) -> None:
        self.name, self.node, self.required, self.key = name, node, required, key or name


class Record(Node):
    """An object with fields of its own. build takes them by name; what is unknown is refused.

    The fields are set after it is made, so that they may lead back to it.
    """

    takes = frozenset(("object",))

    def __init__(self, name: str, build: Callable[..., Any], *, by_place: bool = False) -> None:
        super().__init__()
        self.name, self.build, self.by_place = name, build, by_place
        if by_place:
            self.takes = frozenset(("object", "array"))
        self.fields: list[Field] = []

    @property
    def literals(self) -> dict[str, list[str]]:
        """The values of fields that take only certain texts: they tell objects apart."""
        return {
            field.key: field.node.plain
            for field in self.fields
            if isinstance(field.node, Literal) and all(type(v) is str for v in field.node.plain)
        }

    def make(self, mode: int) -> Load:  # noqa: D102
        load = self._by_name(mode)
        if not self.by_place:
            return load
        fields, name = [(f.key, f.required) for f in self.fields], self.name

        def either(value: Any) -> Any:
            if type(value) is not list:
                return load(value)
            if len(value) > len(fields):
                raise refuse("length", name, value, f"it has {len(value)} values")
            try:
                return load({key: item for (key, _), item in zip(fields, value)})
            except Refused as refused:
                places = {key: i for i, (key, _) in enumerate(fields)}
                raise Refused([_at_place(fault, places) for fault in refused.faults]) from None

        return either

    def _by_name(self, mode: int) -> Load:
        read = reader([(f.key, f.name, f.node.load(mode), f.required) for f in self.fields])
        build, name = self.build, self.name

        def load(value: Any) -> Any:
            if type(value) is not dict:
                raise refuse("object", name, value)
            try:
                given = read(value)
            except MISFIT:
                raise self._refused(value, mode) from None
            try:
                return build(**given)
            except Refused:
                raise
            except Exception as error:
                raise refuse("value", name, value, _words(error)) from error

        return load

    def _refused(self, value: dict[str, Any], mode: int) -> Refused:
        faults: list[Fault] = []
        known = [field.key for field in self.fields]
        for field in self.fields:
            if field.key in value:
                gather(faults, field.node.load(mode), value[field.key], field.key)
            elif field.required:
                faults.append(missing(field.key, field.node.name))
        faults += unknown(value, known)
        return Refused(faults)

    def schema(self, types: Schema) -> Schema:  # noqa: D102
        if self.name not in types:
            types[self.name] = {}
            types[self.name] = {
                "form": "record",
                "name": self.name,
                "by_place": self.by_place,
                "fields": [
                    {"name": f.key, "type": f.node.schema(types), "required": f.required}
                    for f in self.fields
                ],
            }
        return {"t": "ref", "to": self.name}

    def fields_set(self, value: Any) -> int:  # noqa: D102
        return len(value) if type(value) is dict else 0


def unknown(value: dict[str, Any], known: list[str]) -> list[Fault]:
    """Name each field that is not known."""
    extra = [key for key in value if key not in known]
    left = [name for name in known if name not in value]
    return [unexpected(key, value[key], left or known) for key in extra]


def _at_place(fault: Fault, places: dict[str, int]) -> Fault:
    name = fault.loc[0] if fault.loc else None
    if name not in places:
        return fault
    return Fault(
        fault.type, fault.expected, fault.msg, fault.input, (places[str(name)], *fault.loc[1:])
    )


def _words(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
