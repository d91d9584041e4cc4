"""Types as they are bound: each node makes values of one type from JSON.

A node makes a function for each mode, once. The function returns the value or
raises Refused; that there are places in errors costs nothing while there is no
error: who holds a value adds its place when it passes the error on.
"""

from __future__ import annotations

from typing import Any, Callable

from fngen.runtime.bind.faults import Fault, Refused, refuse

Load = Callable[[Any], Any]
Schema = dict[str, Any]

# How much a value may differ from the type. LAX is what is promised; the others
# choose among the members of a union.
EXACT, STRICT, LAX = 0, 1, 2

SCALARS = frozenset(("null", "bool", "number", "string"))
EVERY = SCALARS | {"array", "object"}


def kind_of(value: Any) -> str:
    """Name the kind of JSON that a value is."""
    return _KINDS.get(type(value), "object")


_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "bool",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


class Node:
    """A type. `takes` are the kinds of JSON that it may be made from."""

    name: str
    takes: frozenset[str]
    # Whether values can be in a set: None is known only when they are there.
    hashable: bool | None = True

    def __init__(self) -> None:
        self._loads: dict[int, Load] = {}

    def load(self, mode: int = LAX) -> Load:
        """Return the function that makes a value; also while it is being made."""
        found = self._loads.get(mode)
        if found is None:
            self._loads[mode] = lambda value: self._loads[mode](value)  # for a type within itself
            found = self._loads[mode] = self.make(mode)
        return found

    def make(self, mode: int) -> Load:
        """Make the function of a mode."""
        raise NotImplementedError

    def schema(self, types: Schema) -> Schema:
        """Describe the type in plain data; types takes what has a name of its own."""
        raise NotImplementedError

    def fields_set(self, value: Any) -> int:
        """Say how many fields a value fills: it chooses among the objects of a union."""
        return 0


class Scalar(Node):
    """One piece, made by a function. exact and strict are the types that are taken so."""

    def __init__(
        self,
        tag: str,
        name: str,
        lax: Load,
        takes: frozenset[str],
        exact: tuple[type, ...] = (),
        strict: tuple[type, ...] | None = None,
    ) -> None:
        super().__init__()
        self.tag, self.name, self.lax, self.takes = tag, name, lax, takes
        self.hashable = None if tag == "any" else True
        self._only = (exact, exact if strict is None else strict)

    def make(self, mode: int) -> Load:  # noqa: D102
        if mode == LAX or self.tag == "any":
            return self.lax if mode != EXACT else _never
        only, lax, name, tag = self._only[mode], self.lax, self.name, self.tag

        def load(value: Any) -> Any:
            if type(value) not in only:
                raise refuse(tag, name, value)
            return lax(value)

        return load

    def schema(self, types: Schema) -> Schema:  # noqa: D102
        return {"t": self.tag}


def _never(value: Any) -> Any:
    raise refuse("any", "an exact type", value)


class Opaque(Node):
    """What only Python can tell: the schema says which kinds of JSON it may be made from."""

    def __init__(self, name: str, lax: Load, takes: frozenset[str]) -> None:
        super().__init__()
        self.name, self.takes, self._lax = name, takes, lax
        self.hashable = None

    def make(self, mode: int) -> Load:  # noqa: D102
        takes, lax, name = self.takes, self._lax, self.name

        def load(value: Any) -> Any:
            if kind_of(value) not in takes:
                raise refuse("type", name, value)
            try:
                return lax(value)
            except Refused:
                raise
            except Exception as error:
                raise refuse("value", name, value, _words(error)) from error

        return load

    def schema(self, types: Schema) -> Schema:  # noqa: D102
        return {"t": "opaque", "name": self.name, "takes": sorted(self.takes)}

    def fields_set(self, value: Any) -> int:  # noqa: D102
        return len(value) if type(value) is dict else 0


def _words(error: Exception) -> str:
    try:
        text = " ".join(str(error).split())
    except Exception:  # a __str__ of the person's
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class Derived(Node):
    """What a function of the person's makes of another type: a subclass of int, say."""

    def __init__(self, name: str, of: Node, then: Load) -> None:
        super().__init__()
        self.name, self.of, self._then = name, of, then
        self.takes, self.hashable = of.takes, of.hashable

    def make(self, mode: int) -> Load:  # noqa: D102
        of, then, name = self.of.load(mode), self._then, self.name

        def load(value: Any) -> Any:
            made = of(value)
            try:
                return then(made)
            except Exception as error:
                raise refuse("value", name, value, _words(error)) from error

        return load

    def schema(self, types: Schema) -> Schema:  # noqa: D102
        return self.of.schema(types)

    def fields_set(self, value: Any) -> int:  # noqa: D102
        return self.of.fields_set(value)


class Later(Node):
    """A type that is used within its own definition."""

    takes = EVERY

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.hashable = None
        self.to: Node | None = None

    def make(self, mode: int) -> Load:  # noqa: D102
        assert self.to is not None  # noqa: S101
        return self.to.load(mode)

    def schema(self, types: Schema) -> Schema:  # noqa: D102
        assert self.to is not None  # noqa: S101
        if self.name not in types:
            types[self.name] = {}
            types[self.name] = {"form": "alias", "type": self.to.schema(types)}
        return {"t": "ref", "to": self.name}


def gather(faults: list[Fault], load: Load, value: Any, *loc: str | int) -> Any:
    """Load a value; what is wrong with it joins faults, at its place."""
    try:
        return load(value)
    except Refused as refused:
        faults += [fault.below(*loc) for fault in refused.faults]
        return None
