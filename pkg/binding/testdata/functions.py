"""Functions of every kind of parameter, to compare the two readers of payloads."""

import datetime as dt
import enum
import ipaddress
import uuid
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import (
    Annotated,
    Any,
    Dict,
    FrozenSet,
    Generic,
    List,
    Literal,
    Mapping,
    NamedTuple,
    NewType,
    Optional,
    Sequence,
    Set,
    Tuple,
    TypedDict,
    TypeVar,
    Union,
)

T = TypeVar("T")
UserId = NewType("UserId", int)


def within(**bounds: Any) -> Any:
    return SimpleNamespace(**bounds)


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Shape(enum.Enum):
    ROUND = "round"
    FLAT = "flat"


@dataclass
class Item:
    name: str
    price: Decimal
    qty: int = 1
    tags: List[str] = field(default_factory=list)


@dataclass
class Node:
    value: int
    next: Optional["Node"] = None
    kids: List["Node"] = field(default_factory=list)


@dataclass
class Box(Generic[T]):
    inside: T


@dataclass
class Cat:
    kind: Literal["cat"]
    lives: int


@dataclass
class Dog:
    kind: Literal["dog"]
    name: str


class Point(NamedTuple):
    x: int
    y: float = 0.0


class Address(TypedDict):
    city: str
    zip: int


class Partial(TypedDict, total=False):
    a: int
    b: str


class Own:
    def __init__(self, a: int, b: "Optional[Own]" = None, *, c: str = ""):
        self.a, self.b, self.c = a, b, c


class One:
    def __init__(self, text: str):
        self.text = text


class Many:
    def __init__(self, first: int, *rest: str, **more: int):
        self.first = first


def nothing(): ...
def one_int(n: int): ...
def one_dict(data: dict): ...
def one_any(it): ...
def one_list(items: List[int]): ...
def one_item(item: Item): ...
def one_optional(n: Optional[int]): ...
def one_default(n: int = 5): ...
def named_like_field(name: Item): ...
def order(order_id: int, customer_email: str, items: List[dict]): ...
def items(order_id: int, items: List[Item], note: Optional[str] = None): ...
def args(*numbers: int): ...
def first(first: int, *rest: str): ...
def kwargs(**extra: float): ...
def both(a: int, /, b: str = "x", *rest: bool, c: float, d: int = 0, **more: int): ...
def one_kwargs(a: dict, **more: int): ...
def scalars(a: int, b: float, c: bool, d: str, e: bytes, f: None = None): ...
def times(a: dt.datetime, b: dt.date, c: dt.time, d: dt.timedelta): ...
def ids(a: uuid.UUID, b: Path, c: ipaddress.IPv4Address, d: ipaddress.IPv6Address, e: Decimal): ...
def lists(a: List[int], b: Tuple[int, str], c: Set[int], d: FrozenSet[str], e: deque, f: Sequence[bool]): ...
def tuples(a: Tuple[int, ...], b: tuple, c: set): ...
def dicts(a: Dict[int, str], b: Mapping[uuid.UUID, float], c: Dict[Color, int], d: dict): ...
def enums(a: Color, b: Shape, c: Literal["x", 1, True, None]): ...
def unions(a: Union[int, str], b: Union[List[int], Dict[str, int]], c: Union[None, bool, float], d: Optional[Item]): ...
def tagged(pet: Union[Cat, Dog], other: Union[int, Cat]): ...
def untagged(it: Union[Item, Node, int]): ...
def nested(node: Node, box: Box[int], boxes: List[Box[Item]]): ...
def typed_dicts(a: Address, b: Partial): ...
def points(p: Point, q: List[Point]): ...
def one_point(p: Point): ...
def own(o: Own, one: One, many: Many): ...
def one_own(o: Own): ...
def one_one(one: One): ...
def new_type(u: UserId, x: Annotated[int, within(gt=0, le=10)], y: Annotated[float, within(ge=-1.5, lt=2)]): ...
def bounded(
    a: Annotated[str, within(min_length=1, max_length=3)],
    b: Annotated[List[int], within(min_length=2)],
    c: Annotated[int, within(multiple_of=3)],
    d: Annotated[float, within(multiple_of=0.5)],
    e: Annotated[bytes, within(max_length=2)],
): ...


ALL = [f for name, f in list(globals().items()) if getattr(f, "__module__", "") == __name__ and type(f) is type(nothing) and name != "within"]
