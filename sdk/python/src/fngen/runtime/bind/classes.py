"""Make nodes of classes: those with fields, those of libraries, the person's own.

pydantic, attrs and msgspec are never imported here: a class is theirs when it says
so itself, and then they are there.
"""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any, Callable, Optional

from fngen.runtime.bind import hints
from fngen.runtime.bind.faults import Fault, Refused
from fngen.runtime.bind.hints import Unbindable
from fngen.runtime.bind.node import EVERY, Node, Opaque
from fngen.runtime.bind.record import Field, Record

if TYPE_CHECKING:
    from fngen.runtime.bind.annotation import Builder

# Remembers a node before it is complete, so that a type may lead back to itself.
Keep = Callable[[Node], Node]
Way = Callable[["Builder", type, str, Keep], Optional[Node]]


def _hooked(builder: Builder, cls: type, name: str, keep: Keep) -> Node | None:
    load = getattr(cls, "__fngen_load__", None)
    if load is None:
        return None
    return Opaque(name, load if inspect.ismethod(load) else lambda v: load(cls, v), EVERY)


def _pydantic(builder: Builder, cls: type, name: str, keep: Keep) -> Node | None:
    """Give a model of pydantic, version 2 or 1, to its own validation."""
    if hasattr(cls, "__pydantic_validator__") and hasattr(cls, "model_validate"):
        load, fields = cls.model_validate, getattr(cls, "model_fields", {})
        root = getattr(cls, "__pydantic_root_model__", False)
    elif hasattr(cls, "parse_obj") and hasattr(cls, "__fields__"):
        load, fields = cls.parse_obj, cls.__fields__
        root = "__root__" in fields
    else:
        return None

    def validated(value: Any) -> Any:
        try:
            return load(value)
        except Exception as error:
            errors = getattr(error, "errors", None)
            if not callable(errors):
                raise
            raise Refused([_pydantics(one) for one in errors()]) from error

    node = Opaque(name, validated, EVERY if root else frozenset(("object",)))
    node.fields = [] if root else [Field(one, node, False) for one in fields]  # type: ignore[attr-defined]
    return node


def _pydantics(error: dict[str, Any]) -> Fault:
    loc = tuple(part for part in error["loc"] if part != "__root__")
    kind = "missing" if "missing" in error["type"] else error["type"]
    return Fault(kind, error["type"], error["msg"], error.get("input"), loc)


def _msgspec(builder: Builder, cls: type, name: str, keep: Keep) -> Node | None:
    if not hasattr(cls, "__struct_fields__"):
        return None
    import msgspec  # type: ignore[import-not-found,unused-ignore]  # the person's, who has such a class

    array = bool(getattr(cls.__struct_config__, "array_like", False))  # type: ignore[attr-defined]
    load = lambda value: msgspec.convert(value, cls, strict=False)  # noqa: E731
    node = Opaque(name, load, frozenset(("array" if array else "object",)))
    node.fields = [Field(one, node, False) for one in cls.__struct_fields__]  # type: ignore[attr-defined]
    return node


def _attrs(builder: Builder, cls: type, name: str, keep: Keep) -> Node | None:
    if "__attrs_attrs__" not in vars(cls) and not hasattr(cls, "__attrs_attrs__"):
        return None
    record = _kept(Record(name, cls), cls, keep)
    types = hints.of_class(cls)
    for one in cls.__attrs_attrs__:  # type: ignore[attr-defined]
        if one.init:
            key = getattr(one, "alias", None) or one.name.lstrip("_")
            required = type(one.default).__name__ in ("_Nothing", "Nothing")
            hint = types.get(one.name, Any)
            record.fields.append(Field(key, _field(builder, name, key, hint), required))
    return record


def _dataclass(builder: Builder, cls: type, name: str, keep: Keep) -> Node | None:
    if not dataclasses.is_dataclass(cls):
        return None
    record = _kept(Record(name, cls), cls, keep)
    types = hints.of_class(cls)
    fields = [one for one in cls.__dataclass_fields__.values() if one.init]
    for one in fields:
        kind = getattr(one, "_field_type", None)
        if str(kind).endswith("_FIELD_CLASSVAR"):
            continue
        hint = types.get(one.name, Any)
        hint = hint.type if isinstance(hint, dataclasses.InitVar) else hint
        given: list[Any] = [one.default, one.default_factory]
        required = given == [dataclasses.MISSING, dataclasses.MISSING]
        record.fields.append(Field(one.name, _field(builder, name, one.name, hint), required))
    return record


def _typed_dict(builder: Builder, cls: type, name: str, keep: Keep) -> Node | None:
    if not (hasattr(cls, "__total__") and issubclass(cls, dict)):
        return None
    record = Record(name, dict)
    record.hashable = False
    keep(record)
    required: frozenset[str] = getattr(cls, "__required_keys__", frozenset())
    for field, hint in hints.of_class(cls).items():
        # With texts for annotations the class itself cannot see the wrappers.
        needed = field in required
        if hints.is_wrapped(hint, "NotRequired"):
            needed = False
        elif hints.is_wrapped(hint, "Required"):
            needed = True
        record.fields.append(Field(field, _field(builder, name, field, hint), needed))
    return record


def _named_tuple(builder: Builder, cls: type, name: str, keep: Keep) -> Node | None:
    if not (issubclass(cls, tuple) and hasattr(cls, "_fields")):
        return None
    record = Record(name, cls, by_place=True)
    record.hashable = None
    keep(record)
    types = hints.of_class(cls)
    for field in cls._fields:
        node = _field(builder, name, field, types.get(field, Any))
        record.fields.append(Field(field, node, field not in cls._field_defaults))  # type: ignore[attr-defined]
    return record


# In this order: an attrs class or a model may be a dataclass too.
WAYS: tuple[Way, ...] = (
    _hooked, _pydantic, _msgspec, _attrs, _dataclass, _typed_dict, _named_tuple,
)  # fmt: skip


def built(builder: Builder, cls: type, name: str, keep: Keep) -> Node:
    """Make a node of a class by its __init__."""
    from fngen.runtime.bind.call import Built, parameters_of

    init: Any = cls.__dict__.get("__init__") or cls.__init__  # type: ignore[misc]
    skip = 1
    if init is object.__init__:
        new: Any = cls.__new__
        if new is not object.__new__ and hasattr(new, "__code__"):
            init = new
        else:
            init, skip = _no_parameters, 0
    if not hasattr(init, "__code__") and not hasattr(init, "__wrapped__"):
        raise Unbindable([f"{name} cannot be made from data: its __init__ is not Python's"])
    node = Built(name, cls)
    keep(node)
    node.fill(parameters_of(init, builder, name, skip))
    return node


def _no_parameters() -> None:
    """Stand for the __init__ of a class that has none."""


def _kept(record: Record, cls: type, keep: Keep) -> Record:
    record.hashable = cls.__hash__ is not None
    keep(record)
    return record


def _field(builder: Builder, name: str, field: str, hint: Any) -> Node:
    try:
        return builder.node(hint)
    except Unbindable as error:
        raise Unbindable([f"field {field!r} of {name}: {line}" for line in error.lines]) from error
