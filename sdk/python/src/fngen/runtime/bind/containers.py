"""Make lists, sets, tuples and dictionaries."""

from __future__ import annotations

from typing import Any, Callable

from fngen.runtime.bind.faults import Fault, Refused, refuse
from fngen.runtime.bind.node import Load, Node, Schema, gather


class Array(Node):
    """A list, or whatever build makes of one."""

    takes = frozenset(("array",))

    def __init__(self, name: str, of: Node, build: Callable[[list[Any]], Any] | None) -> None:
        super().__init__()
        self.name, self.of, self.build = f"{name} of {of.name}", of, build
        self.unique = build in (set, frozenset)
        self.hashable = False if build in (None, set) else of.hashable

    def make(self, mode: int) -> Load:  # noqa: D102
        of, build, name = self.of.load(mode), self.build, self.name

        def load(value: Any) -> Any:
            if type(value) is not list:
                raise refuse("array", name, value)
            try:
                made = [of(item) for item in value]
            except Refused:
                faults: list[Fault] = []
                for i, item in enumerate(value):
                    gather(faults, of, item, i)
                raise Refused(faults) from None
            if build is None:
                return made
            try:
                return build(made)
            except TypeError as error:  # of a set
                raise refuse("unique", name, value, str(error)) from None

        return load

    def schema(self, types: Schema) -> Schema:  # noqa: D102
        made: Schema = {"t": "array", "name": self.name, "of": self.of.schema(types)}
        return {**made, "unique": True} if self.unique else made


class Tuple(Node):
    """A tuple of so many values, each of its type."""

    takes = frozenset(("array",))

    def __init__(self, items: list[Node]) -> None:
        super().__init__()
        self.items = items
        self.name = "tuple of " + (", ".join(item.name for item in items) or "nothing")
        known = {item.hashable for item in items}
        self.hashable = False if False in known else None if None in known else True

    def make(self, mode: int) -> Load:  # noqa: D102
        loads, name = [item.load(mode) for item in self.items], self.name

        def load(value: Any) -> Any:
            if type(value) is not list:
                raise refuse("array", name, value)
            if len(value) != len(loads):
                raise refuse("length", name, value, f"it has {len(value)} values")
            faults: list[Fault] = []
            made = tuple(
                gather(faults, one, item, i) for i, (one, item) in enumerate(zip(loads, value))
            )
            if faults:
                raise Refused(faults)
            return made

        return load

    def schema(self, types: Schema) -> Schema:  # noqa: D102
        return {"t": "tuple", "name": self.name, "items": [one.schema(types) for one in self.items]}


class Dict(Node):
    """A dictionary, or whatever build makes of one. Its keys are made from texts."""

    takes = frozenset(("object",))
    hashable = False

    def __init__(
        self, name: str, keys: Node, values: Node, build: Callable[[dict[Any, Any]], Any] | None
    ) -> None:
        super().__init__()
        self.name = f"{name} of {keys.name} to {values.name}"
        self.keys, self.values, self.build = keys, values, build

    def make(self, mode: int) -> Load:  # noqa: D102
        # A key is always a text in JSON, so that one that is not exact says nothing.
        keys, values, build, name = self.keys.load(), self.values.load(mode), self.build, self.name

        def load(value: Any) -> Any:
            if type(value) is not dict:
                raise refuse("object", name, value)
            try:
                made = {keys(key): values(item) for key, item in value.items()}
            except Refused:
                faults: list[Fault] = []
                for key, item in value.items():
                    gather(faults, keys, key, key)
                    gather(faults, values, item, key)
                raise Refused(faults) from None
            except TypeError as error:
                raise refuse("key", name, value, str(error)) from None
            return build(made) if build else made

        return load

    def schema(self, types: Schema) -> Schema:  # noqa: D102
        keys, values = self.keys.schema(types), self.values.schema(types)
        return {"t": "dict", "name": self.name, "keys": keys, "values": values}

    def fields_set(self, value: Any) -> int:  # noqa: D102
        return 0
