"""Make nodes of annotations: what each kind of type hint means for data.

What cannot be made from data - a callable, a protocol, a class whose __init__ says
nothing of use - is refused here, when the code is pushed, and not when a task comes.
"""

from __future__ import annotations

import abc
import collections
import enum
import inspect
import types
import typing
from typing import Any, Callable, TypeVar

from fngen.runtime.bind import classes, hints
from fngen.runtime.bind.choice import Bounded, Enumeration, Literal, Union
from fngen.runtime.bind.containers import Array, Dict, Tuple
from fngen.runtime.bind.hints import BARE, SCALAR_TYPES, Unbindable, unpacked
from fngen.runtime.bind.node import Derived, Later, Node
from fngen.tasks import TaskContext

__all__ = ["Builder", "Unbindable", "unpacked"]

_ARRAYS: dict[Any, tuple[str, Callable[..., Any] | None]] = {
    list: ("list", None),
    collections.abc.Sequence: ("list", None),
    collections.abc.MutableSequence: ("list", None),
    collections.abc.Collection: ("list", None),
    collections.abc.Iterable: ("list", None),
    set: ("set", set),
    collections.abc.Set: ("set", set),
    collections.abc.MutableSet: ("set", set),
    frozenset: ("frozenset", frozenset),
    collections.deque: ("deque", collections.deque),
}
_DICTS: dict[Any, tuple[str, Callable[..., Any] | None]] = {
    dict: ("dict", None),
    collections.abc.Mapping: ("dict", None),
    collections.abc.MutableMapping: ("dict", None),
    collections.OrderedDict: ("dict", collections.OrderedDict),
}


class Builder:
    """Makes the nodes of one function. A type that is met again is the same node."""

    def __init__(self) -> None:
        self._made: dict[Any, Node] = {}
        self._scope: dict[Any, Any] = {}

    def resolve(self, annotation: Any, owner: Any) -> Any:
        """Turn what stands at a parameter into a type, names in texts included."""
        return hints.resolve(annotation, owner)

    def node(self, hint: Any) -> Node:
        """Make the node of a type hint, or raise Unbindable."""
        hint = hints.stripped(hint)
        if isinstance(hint, TypeVar):
            return self._variable(hint)
        scalar = _scalar(hint)
        if scalar is not None:
            return scalar
        origin = typing.get_origin(hint)
        if hasattr(hint, "__supertype__"):
            return self.node(hint.__supertype__)
        if type(hint).__name__ == "TypeAliasType" or type(origin).__name__ == "TypeAliasType":
            return self._alias(hint, origin)
        if origin is typing.Annotated:
            return self._annotated(hint)
        if origin is typing.Literal:
            return self._literal(hints.literals(hint))
        if origin is typing.Union or origin is getattr(types, "UnionType", None):
            return self._union(hint)
        container = self._container(hint, origin)
        return container if container is not None else self._class(hint, origin)

    def _variable(self, variable: TypeVar) -> Node:
        if variable in self._scope:
            return self.node(self._scope[variable])
        if variable.__constraints__:
            return Union([self.node(one) for one in variable.__constraints__])
        return self.node(variable.__bound__ if variable.__bound__ is not None else Any)

    def _alias(self, hint: Any, origin: Any) -> Node:
        key = ("alias", hint if _can_hash(hint) else repr(hint))
        if key in self._made:
            return self._made[key]
        alias = hint if origin is None else origin
        later = self._made[key] = Later(str(hint))
        args = dict(zip(getattr(alias, "__type_params__", ()), typing.get_args(hint)))
        later.to = self.within(args, lambda: self.node(alias.__value__))
        return later

    def _literal(self, values: list[Any]) -> Node:
        made = Literal(values)
        for value in made.plain:
            if type(value) not in (str, int, float, bool, type(None)):
                raise Unbindable([f"Literal[{value!r}] cannot be written in JSON"])
        return made

    def _annotated(self, hint: Any) -> Node:
        base = self.node(typing.get_args(hint)[0])
        bounds = hints.bounds(hint.__metadata__)
        return Bounded(base, bounds) if bounds else base

    def _union(self, hint: Any) -> Node:
        members = [self.node(one) for one in typing.get_args(hint)]
        # null first: it is what it is, and texts read better with the type before it.
        return Union(members)

    def _container(self, hint: Any, origin: Any) -> Node | None:
        args = typing.get_args(hint)
        of = hint if origin is None else origin
        if of is tuple:
            return self._tuple(hint, args)
        if of in _ARRAYS:
            name, build = _ARRAYS[of]
            item = self.node(args[0] if args else Any)
            if build in (set, frozenset) and item.hashable is False:
                raise Unbindable([f"a {name} cannot hold a {item.name}: it is not hashable"])
            return Array(name, item, build)
        if of in _DICTS:
            name, build = _DICTS[of]
            keys, values = (args[0], args[1]) if args else (Any, Any)
            return Dict(name, self._key(keys), self.node(values), build)
        if of is collections.defaultdict:
            keys, values = (args[0], args[1]) if args else (Any, Any)
            default = values if isinstance(values, type) else typing.get_origin(values)
            made = lambda d: collections.defaultdict(default, d)  # noqa: E731
            return Dict("dict", self._key(keys), self.node(values), made)
        if of is collections.Counter:
            key = self._key(args[0] if args else Any)
            return Dict("dict", key, self.node(int), collections.Counter)
        return None

    def _key(self, hint: Any) -> Node:
        keys = self.node(hint)
        if "string" not in keys.takes or keys.hashable is False:
            raise Unbindable([f"a key of JSON is a text, from which no {keys.name} can be made"])
        return keys

    def _tuple(self, hint: Any, args: tuple[Any, ...]) -> Node:
        if not args:
            empty = typing.get_origin(hint) is tuple
            return Tuple([]) if empty else Array("tuple", self.node(Any), tuple)
        if args == ((),):  # tuple[()] before Python 3.11
            return Tuple([])
        if len(args) == 2 and args[1] is Ellipsis:
            return Array("tuple", self.node(args[0]), tuple)
        return Tuple([self.node(one) for one in args])

    def _class(self, hint: Any, origin: Any) -> Node:
        cls = hint if origin is None else origin
        if not isinstance(cls, type) or cls is type:
            raise Unbindable([f"{hints.named(hint)} cannot be made from data"])
        if issubclass(cls, enum.Enum):
            return self._enum(cls)
        # By its writing too where metadata of Annotated cannot be hashed.
        args = typing.get_args(hint)
        key = (cls, args if _can_hash(args) else repr(args))
        if key in self._made:
            return self._made[key]
        _refuse_abstract(cls)
        scope = hints.scope(cls, args)
        name = hints.named(hint)
        return self.within(scope, lambda: self._made_of(cls, name, key))

    def _made_of(self, cls: type, name: str, key: Any) -> Node:
        for way in classes.WAYS:
            made = way(self, cls, name, lambda node: self._made.setdefault(key, node))
            if made is not None:
                return self._made.setdefault(key, made)
        for base in (*SCALAR_TYPES, list, dict, tuple, set, frozenset):
            # For Python 3.10 os.PathLike[str] is a type.
            if base is object or typing.get_origin(base) or not isinstance(base, type):
                continue
            if issubclass(cls, base):
                return self._made.setdefault(key, Derived(name, self.node(base), cls))
        return classes.built(self, cls, name, lambda node: self._made.setdefault(key, node))

    def _enum(self, cls: type[enum.Enum]) -> Node:
        if cls not in self._made:
            kinds = {type(member.value) for member in cls}
            only = kinds.pop() if len(kinds) == 1 else None
            self._made[cls] = Enumeration(cls, self.node(only) if only in (int, float) else None)
        return self._made[cls]

    def within(self, scope: dict[Any, Any], make: Callable[[], Node]) -> Node:
        """Make a node while type variables stand for other types."""
        before = self._scope
        self._scope = {**before, **{k: self._settled(v) for k, v in scope.items()}}
        try:
            return make()
        finally:
            self._scope = before

    def _settled(self, hint: Any) -> Any:
        return self._scope.get(hint, hint) if isinstance(hint, TypeVar) else hint


def _scalar(hint: Any) -> Node | None:
    try:
        make = SCALAR_TYPES.get(hint)
    except TypeError:
        return None
    return make() if make else None


def _can_hash(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _refuse_abstract(cls: type) -> None:
    if cls is TaskContext:
        raise Unbindable(["a TaskContext is given to the function itself, as a parameter"])
    if cls.__module__ in ("builtins", "collections.abc", "typing") and cls not in BARE:
        raise Unbindable([f"{cls.__name__} cannot be made from data"])
    if getattr(cls, "_is_protocol", False):
        raise Unbindable([f"{cls.__name__} is a protocol: name a class that can be made"])
    if inspect.isabstract(cls) or cls is abc.ABC:
        raise Unbindable([f"{cls.__name__} is abstract: name a class that can be made"])
