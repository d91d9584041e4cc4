"""Bind a payload to the parameters of a function, and call classes by the same rules.

The form of the payload decides: an object binds by name, an array by place, and a
function of one parameter takes the whole payload where its type can be made from
it. docs/tasks.md has the rules.
"""

from __future__ import annotations

import inspect
import types
import typing
from typing import Any, Callable

from fngen.runtime.bind import annotation
from fngen.runtime.bind.faults import Fault, Refused, missing, refuse
from fngen.runtime.bind.generated import MISFIT, Reader, reader
from fngen.runtime.bind.node import LAX, SCALARS, Load, Node, Schema, gather, kind_of
from fngen.runtime.bind.record import unknown
from fngen.tasks import TaskContext

VERSION = 1

_KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: "positional_only",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "positional_or_keyword",
    inspect.Parameter.VAR_POSITIONAL: "var_positional",
    inspect.Parameter.KEYWORD_ONLY: "keyword_only",
    inspect.Parameter.VAR_KEYWORD: "var_keyword",
}
_EMPTY = inspect.Parameter.empty


class Parameter:
    """One parameter and the type of what is bound to it."""

    def __init__(self, name: str, kind: str, node: Node, default: Any = _EMPTY) -> None:
        self.name, self.kind, self.node, self.default = name, kind, node, default
        self.required = default is _EMPTY

    def schema(self, types: Schema) -> Schema:
        """Describe the parameter in plain data."""
        return {
            "name": self.name,
            "kind": self.kind,
            "type": self.node.schema(types),
            "required": self.required,
        }


Call = tuple[list[Any], dict[str, Any]]


class Parameters:
    """The parameters of something that is called."""

    def __init__(self, name: str, parameters: list[Parameter]) -> None:
        self.name, self.all = name, parameters
        self.named = [p for p in parameters if not p.kind.startswith("var_")]
        self.by_place = [p for p in self.named if p.kind != "keyword_only"]
        self.rest = _first(parameters, "var_positional")
        self.extra = _first(parameters, "var_keyword")
        self.required = [p for p in self.named if p.required]
        # By the mode, what reads an object by name where there is nothing to choose.
        self._readers: dict[int, Reader | None] = {}

    def bind(self, value: Any, mode: int = LAX) -> Call:
        """Turn a payload into arguments, or raise Refused."""
        kind = kind_of(value)
        if kind == "object":
            try:
                read = self._readers[mode]
            except KeyError:
                read = self._readers[mode] = self._reader(mode)
            if read is not None:
                try:
                    return [], read(value)
                except MISFIT:  # it is told below, and what is only unusual is taken there
                    pass
        if not self.required and (value is None or value == {}):
            return [], {}
        if kind == "object":
            return self._object(value, mode)
        if kind == "array":
            return self._array(value, mode)
        if len(self.named) == 1:
            return self._whole(value, mode)
        if value is None:
            raise Refused([missing(p.name, p.node.name) for p in self.required])
        names = ", ".join(p.name for p in self.named)
        raise refuse("call", f"an object with {names}" if names else "no arguments", value)

    def _reader(self, mode: int) -> Reader | None:
        """Write what takes an object by name, where every parameter can be given so."""
        if any(p.kind not in ("positional_or_keyword", "keyword_only") for p in self.all):
            return None
        if len(self.named) == 1 and "object" in self.named[0].node.takes:
            return None
        return reader([(p.name, p.name, p.node.load(mode), p.required) for p in self.named])

    def _object(self, value: dict[str, Any], mode: int) -> Call:
        if len(self.named) != 1 or self.extra:
            return self._names(value, mode)
        one = self.named[0]
        takes = "object" in one.node.takes
        if set(value) != {one.name}:
            return self._whole(value, mode) if takes else self._names(value, mode)
        ways: list[Callable[[dict[str, Any], int], Call]] = [self._names, self._whole]
        if one.name in field_names(one.node):
            ways.reverse()
        try:
            return ways[0](value, mode)
        except Refused as by_name:
            if not takes:
                raise
            try:
                return ways[1](value, mode)
            except Refused as other:
                raise (other if ways[1] == self._names else by_name) from None

    def _array(self, value: list[Any], mode: int) -> Call:
        if len(self.named) == 1 and not self.rest and "array" in self.named[0].node.takes:
            return self._whole(value, mode)
        faults: list[Fault] = []
        made: list[Any] = []
        for i, (p, item) in enumerate(zip(self.by_place, value)):
            made.append(gather(faults, p.node.load(mode), item, i))
        for i in range(len(self.by_place), len(value)):
            if self.rest is None:
                faults.append(self._too_many(i, value[i]))
            else:
                made.append(gather(faults, self.rest.node.load(mode), value[i], i))
        left = self.by_place[len(value) :] + [p for p in self.named if p.kind == "keyword_only"]
        faults += [missing(p.name, p.node.name) for p in left if p.required]
        if faults:
            raise Refused(faults)
        return made, {}

    def call(self, value: Any) -> Call:
        """Bind places and names as they are given, without guessing."""
        form = 'an object with "args" and "kwargs"'
        if kind_of(value) != "object" or set(value) - {"args", "kwargs"}:
            raise refuse("call", form, value)
        args, keywords = value.get("args", []), value.get("kwargs", {})
        if kind_of(args) != "array" or kind_of(keywords) != "object":
            raise refuse("call", form, value)
        faults: list[Fault] = []
        made: list[Any] = []
        for i, item in enumerate(args):
            p = self.by_place[i] if i < len(self.by_place) else self.rest
            if p is None:
                faults.append(self._too_many(i, item))
            else:
                made.append(gather(faults, p.node.load(), item, i))
        given = {p.name for p in self.by_place[: len(args)]}
        named = {p.name: p for p in self.named if p.kind != "positional_only"}
        keyed: dict[str, Any] = {}
        for key, item in keywords.items():
            p = named.get(key) if key not in given else None
            p = p or (self.extra if key not in named else None)
            if p is None:
                faults += unknown({key: item}, [name for name in named if name not in given])
            else:
                keyed[key] = gather(faults, p.node.load(), item, key)
        faults += [
            missing(p.name, p.node.name)
            for p in self.required
            if p.name not in given and (p.name not in keyed or p.name not in named)
        ]
        if faults:
            raise Refused(faults)
        return made, keyed

    def _too_many(self, i: int, item: Any) -> Fault:
        takes = f"{self.name} takes at most {len(self.by_place)} values"
        return Fault("unexpected", "nothing", f"is not expected: {takes}", item, (i,))

    def _whole(self, value: Any, mode: int) -> Call:
        one = self.named[0]
        made = one.node.load(mode)(value)
        return ([], {one.name: made}) if one.kind != "positional_only" else ([made], {})

    def _names(self, value: dict[str, Any], mode: int) -> Call:
        faults: list[Fault] = []
        given: dict[str, Any] = {}
        for p in self.named:
            if p.name in value:
                given[p.name] = gather(faults, p.node.load(mode), value[p.name], p.name)
            elif p.required:
                faults.append(missing(p.name, p.node.name))
        known = [p.name for p in self.named]
        rest: list[Any] = []
        if self.rest is not None and self.rest.name not in known:
            known.append(self.rest.name)
            if self.rest.name in value:
                rest = self._rest(value[self.rest.name], mode, faults)
        keywords: dict[str, Any] = {}
        if self.extra is None:
            faults += unknown(value, known)
        else:
            load = self.extra.node.load(mode)
            for key in value:
                if key not in known:
                    keywords[key] = gather(faults, load, value[key], key)
        if faults:
            raise Refused(faults)
        return self._arranged(given, rest, keywords)

    def _rest(self, value: Any, mode: int, faults: list[Fault]) -> list[Any]:
        assert self.rest is not None  # noqa: S101
        if type(value) is not list:
            wrong = refuse("array", f"list of {self.rest.node.name}", value)
            faults += [fault.below(self.rest.name) for fault in wrong.faults]
            return []
        load = self.rest.node.load(mode)
        return [gather(faults, load, item, self.rest.name, i) for i, item in enumerate(value)]

    def _arranged(self, given: dict[str, Any], rest: list[Any], keywords: dict[str, Any]) -> Call:
        """Put by place what must be: positional-only parameters, and what stands before *args."""
        by_place = [p for p in self.by_place if rest or p.kind == "positional_only"]
        while by_place and not rest and by_place[-1].name not in given:
            by_place.pop()
        made = [given.pop(p.name) if p.name in given else p.default for p in by_place]
        return made + rest, {**given, **keywords}

    def schema(self, types: Schema) -> list[Schema]:
        """Describe the parameters in plain data."""
        return [p.schema(types) for p in self.all]


def _first(parameters: list[Parameter], kind: str) -> Parameter | None:
    return next((p for p in parameters if p.kind == kind), None)


def field_names(node: Node) -> list[str]:
    """List the fields of a type that has fields of its own."""
    own = [field.key for field in getattr(node, "fields", ())]
    of = getattr(node, "members", None) or [n for n in (getattr(node, "of", None),) if n]
    return own if own else own + [name for inner in of for name in field_names(inner)]


class Signature:
    """A function, ready to have payloads bound to it."""

    def __init__(
        self, name: str, parameters: Parameters, contexts: list[tuple[str, int]] | None = None
    ) -> None:
        self.name, self.parameters = name, parameters
        # Parameters that are given the TaskContext, with their places among those that
        # can be given by place; -1 for none.
        self.contexts = contexts or []

    def inject(self, made: Call, context: TaskContext) -> Call:
        """Add the context to arguments that were bound."""
        args, keywords = list(made[0]), dict(made[1])
        for name, place in self.contexts:
            if 0 <= place < len(args):
                args.insert(place, context)
            else:
                keywords[name] = context
        return args, keywords

    def bind(self, value: Any) -> Call:
        """Turn a payload into arguments, or raise Refused."""
        return self.parameters.bind(value)

    def bind_call(self, value: Any) -> Call:
        """Turn {"args": [...], "kwargs": {...}} into arguments, as Python binds a call."""
        return self.parameters.call(value)

    def schema(self) -> Schema:
        """Describe in plain data what the function takes."""
        types: Schema = {}
        params = self.parameters.schema(types)
        return {"version": VERSION, "function": self.name, "params": params, "types": types}


def signature(function: Callable[..., Any]) -> Signature:
    """Read the parameters of a function; raise Unbindable, naming each that is at fault."""
    name = getattr(function, "__name__", type(function).__name__)
    contexts: list[tuple[str, int]] = []
    parameters = parameters_of(function, annotation.Builder(), name, contexts=contexts)
    return Signature(name, parameters, contexts)


def parameters_of(
    function: Callable[..., Any],
    builder: annotation.Builder,
    name: str,
    skip: int = 0,
    contexts: list[tuple[str, int]] | None = None,
) -> Parameters:
    """Make nodes of the annotations of something that is called."""
    inner = inspect.unwrap(function)
    found = list(inspect.signature(inner).parameters.values())[skip:]
    faults: list[str] = []
    made: list[Parameter] = []
    for place, p in enumerate(found):
        try:
            hint = builder.resolve(p.annotation, inner)
            if contexts is not None and is_context(hint):
                contexts.append((p.name, _context_place(p, place)))
                continue
            fields = annotation.unpacked(hint) if p.kind is p.VAR_KEYWORD else None
            if fields is not None:
                made += _keywords(builder, fields)
                continue
            made.append(Parameter(p.name, _KINDS[p.kind], builder.node(hint), p.default))
        except annotation.Unbindable as error:
            faults += [f"parameter {p.name!r} of {name}: {line}" for line in error.lines]
    if faults:
        raise annotation.Unbindable(faults)
    for one in made:
        if one.kind.startswith("var_"):
            one.required = False
    return Parameters(name, made)


def is_context(hint: Any) -> bool:
    """Say whether a parameter is for the TaskContext, which may be left out in other calls."""
    of = [one for one in typing.get_args(hint) if one is not type(None)]
    return hint is TaskContext or (len(of) == 1 and of[0] is TaskContext and _is_union(hint))


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, getattr(types, "UnionType", None))


def _context_place(p: inspect.Parameter, place: int) -> int:
    if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD, p.POSITIONAL_ONLY):
        raise annotation.Unbindable(
            ["a TaskContext is given by name: write it as a parameter of its own, without / or *"]
        )
    return -1 if p.kind is p.KEYWORD_ONLY else place


def _keywords(builder: annotation.Builder, typed_dict: Any) -> list[Parameter]:
    record = builder.node(typed_dict)
    return [
        # What is not given is not passed on: the default is never used.
        Parameter(f.key, "keyword_only", f.node, _EMPTY if f.required else None)
        for f in getattr(record, "fields", ())
    ]


class Built(Node):
    """A class of the person's own, by its annotated __init__."""

    def __init__(self, name: str, cls: Callable[..., Any]) -> None:
        super().__init__()
        self.name, self.cls = name, cls
        self.hashable = getattr(cls, "__hash__", None) is not None
        self.parameters = Parameters(name, [])

    def fill(self, parameters: Parameters) -> None:
        """Set the parameters, which may lead back to the class."""
        self.parameters = parameters
        takes = {"object"} | ({"array"} if parameters.by_place or parameters.rest else set())
        one = parameters.named[0].node if len(parameters.named) == 1 else None
        if one is not None:
            takes |= SCALARS if one is self else one.takes & SCALARS
        self.takes = frozenset(takes if parameters.required else takes | {"null"})

    takes = frozenset(("object",))

    def make(self, mode: int) -> Load:  # noqa: D102
        cls, name = self.cls, self.name

        def load(value: Any) -> Any:
            args, keywords = self.parameters.bind(value, mode)
            try:
                return cls(*args, **keywords)
            except Exception as error:
                text = " ".join(str(error).split())
                raise refuse("value", name, value, f"{type(error).__name__}: {text}") from error

        return load

    def schema(self, types: Schema) -> Schema:  # noqa: D102
        if self.name not in types:
            types[self.name] = {}
            params = self.parameters.schema(types)
            types[self.name] = {"form": "call", "name": self.name, "params": params}
        return {"t": "ref", "to": self.name}

    def fields_set(self, value: Any) -> int:  # noqa: D102
        return len(value) if type(value) is dict else 0
