from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import functools
import ipaddress
import json
import pathlib
import random
import re
import subprocess
import sys
import textwrap
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import (
    Annotated,
    Any,
    Callable,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    Optional,
    Protocol,
    TypedDict,
    TypeVar,
    Union,
)

import pytest

from fngen.runtime.bind import Refused, Unbindable, decode, signature, times

UTC = dt.timezone.utc
T = TypeVar("T")
UserId = NewType("UserId", int)


class Color(enum.Enum):
    RED = 1
    BLUE = 2


@dataclasses.dataclass
class Item:
    name: str
    qty: int = 1

    def __post_init__(self) -> None:
        if self.qty < 0:
            raise ValueError("qty is below zero")


@dataclasses.dataclass
class Tree(Generic[T]):
    value: T
    kids: list[Tree[T]] = dataclasses.field(default_factory=list)


class Point(NamedTuple):
    x: int
    y: float = 0.0


class Address(TypedDict):
    city: str
    zip: int


@dataclasses.dataclass
class Cat:
    kind: Literal["cat"]
    lives: int


@dataclasses.dataclass
class Dog:
    kind: Literal["dog"]
    name: str


class Own:
    def __init__(self, a: int, b: Own | None = None, *rest: str) -> None:
        self.all = (a, b, rest)


class One:
    def __init__(self, text: str) -> None:
        self.text = text


class Loaded:
    @classmethod
    def __fngen_load__(cls, value: Any) -> Loaded:
        made = cls()
        made.value = value  # type: ignore[attr-defined]
        return made


class Callback(Protocol):
    def __call__(self) -> None: ...


def bind(function: Callable[..., Any], payload: Any) -> Any:
    args, keywords = signature(function).bind(payload)
    return function(*args, **keywords)


def value_of(hint: Any, value: Any) -> Any:
    def f(it): ...

    f.__annotations__["it"] = hint
    args, keywords = signature(f).bind({"it": value})
    return (list(args) + list(keywords.values()))[0]


NAIVE = dt.datetime(2026, 1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("hint", "value", "want"),
    [
        (int, "42", 42),
        (int, " 1 ", 1),
        (int, "4_2", 42),
        (int, 3.0, 3),
        (int, True, 1),
        (int, 2**80, 2**80),
        (float, "1.5", 1.5),
        (float, 2, 2.0),
        (bool, "Yes", True),
        (bool, 0, False),
        (str, "x", "x"),
        (bytes, "é", "é".encode()),
        (bytes, {"$b64": "AAE="}, b"\x00\x01"),
        (None, None, None),
        (decimal.Decimal, 0.1, decimal.Decimal("0.1")),
        (dt.datetime, "2026-01-02T03:04:05Z", NAIVE.replace(tzinfo=UTC)),
        (dt.datetime, "2026-01-02 03:04:05", NAIVE),
        (dt.datetime, 0, dt.datetime(1970, 1, 1, tzinfo=UTC)),
        (dt.datetime, 1_767_323_045_000, NAIVE.replace(tzinfo=UTC)),
        (dt.date, "2026-01-02", dt.date(2026, 1, 2)),
        (dt.time, "03:04", dt.time(3, 4)),
        (dt.timedelta, "P1DT2H", dt.timedelta(days=1, hours=2)),
        (dt.timedelta, 90, dt.timedelta(seconds=90)),
        (dt.timedelta, "01:02:03", dt.timedelta(hours=1, minutes=2, seconds=3)),
        (uuid.UUID, "urn:uuid:" + str(uuid.UUID(int=1)), uuid.UUID(int=1)),
        (pathlib.Path, "/x", pathlib.Path("/x")),
        (ipaddress.IPv4Address, "127.0.0.1", ipaddress.IPv4Address("127.0.0.1")),
        (re.Pattern, "a+", re.compile("a+")),
        (list[int], ["1", 2], [1, 2]),
        (tuple[int, str], ["1", "b"], (1, "b")),
        (tuple[int, ...], ["1"], (1,)),
        (set[int], [1, "1"], {1}),
        (frozenset, [1], frozenset([1])),
        (deque, [1], deque([1])),
        (Sequence[float], [1], [1.0]),
        (dict[int, Color], {"1": 2}, {1: Color.BLUE}),
        (Mapping[uuid.UUID, int], {str(uuid.UUID(int=1)): "1"}, {uuid.UUID(int=1): 1}),
        (Color, 1, Color.RED),
        (Color, "2", Color.BLUE),
        (Literal["a", 1], 1, 1),
        (Union[int, str], "42", "42"),
        (Union[str, int], 42, 42),
        (Union[float, int], 1, 1),
        (Optional[int], None, None),
        (Optional[int], "1", 1),
        (Union[Cat, Dog], {"kind": "dog", "name": "x"}, Dog("dog", "x")),
        (Item, {"name": "x", "qty": "2"}, Item("x", 2)),
        (Tree[int], {"value": "1", "kids": [{"value": 2}]}, Tree(1, [Tree(2)])),
        (Point, [1, 2], Point(1, 2.0)),
        (Point, {"x": "1"}, Point(1)),
        (Address, {"city": "x", "zip": "1"}, {"city": "x", "zip": 1}),
        (UserId, "7", 7),
        (Annotated[int, SimpleNamespace(gt=0)], 1, 1),
        (Any, {"x": [1]}, {"x": [1]}),
    ],
)
def test_values(hint: Any, value: Any, want: Any) -> None:
    made = value_of(hint, value)
    assert made == want
    assert type(made) is type(want)


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (int, 5.5), (int, "5.5"), (int, ""), (int, "++1"), (int, None), (int, [1]),
        (str, 1), (str, None), (bool, 2), (bool, "maybe"), (float, "x"), (bytes, 1),
        (dt.datetime, "yesterday"), (dt.datetime, 1e18), (dt.date, "2026-01-02T03:00"),
        (dt.time, "24:00"), (dt.timedelta, "P1Y"), (uuid.UUID, "x"), (decimal.Decimal, True),
        (list[int], "12"), (tuple[int, str], [1]), (set, [[1]]), (dict[int, int], {"x": 1}),
        (Color, "RED"), (Literal[1], True), (Union[int, bool], "x"), (re.Pattern, "("),
        (Item, {"name": "x", "qty": -1}), (Item, {"name": "x", "nam": 1}), (Point, [1, 2, 3]),
        (Annotated[int, SimpleNamespace(gt=0)], 0), (Annotated[str, SimpleNamespace(max_length=1)], "ab"),  # noqa: E501
    ],
)  # fmt: skip
def test_values_that_are_refused(hint: Any, value: Any) -> None:
    with pytest.raises(Refused):
        value_of(hint, value)


def test_shapes() -> None:
    def whole(data_payload: dict):
        return data_payload

    def one(n: int):
        return n

    def many(a: int, b: str = "x", *rest: int, c: bool = False, **more: float):
        return a, b, rest, c, more

    def nothing():
        return "ran"

    def anything(it):
        return it

    def default(n: int = 5):
        return n

    def places(a: int, b: int = 2, /):
        return a, b

    def first(first: int, *rest: str):
        return first, rest

    assert bind(whole, {"a": 1}) == {"a": 1}
    assert bind(whole, {}) == {}
    assert bind(whole, {"data_payload": {"a": 1}}) == {"a": 1}
    assert bind(one, 7) == bind(one, {"n": "7"}) == bind(one, ["7"]) == 7
    assert bind(many, {"a": 1, "z": "2", "rest": [3], "c": 1}) == (1, "x", (3,), True, {"z": 2.0})
    assert bind(many, [1, "y", "3"]) == (1, "y", (3,), False, {})
    assert bind(nothing, None) == bind(nothing, {}) == bind(nothing, []) == "ran"
    assert bind(anything, [1, 2]) == [1, 2]
    assert bind(anything, None) is None
    assert bind(default, None) == 5
    assert bind(places, {"b": 1, "a": 2}) == (2, 1)
    assert bind(first, [1, "a", "b"]) == (1, ("a", "b"))
    assert bind(lambda **kw: kw, {"not an identifier": 1}) == {"not an identifier": 1}


def test_classes() -> None:
    def f(o: Own, one: One, loaded: Loaded):
        return o, one, loaded

    o, one, loaded = bind(f, {"o": {"a": 1, "b": [2, None, "x"]}, "one": "text", "loaded": 3})
    assert o.all[1].all == (2, None, ("x",))
    assert one.text == "text"
    assert loaded.value == 3


def test_calls() -> None:
    def f(a: int, b: str = "x", **more: int):
        return a, b, more

    args, keywords = signature(f).bind_call({"args": ["1"], "kwargs": {"c": "2"}})
    assert f(*args, **keywords) == (1, "x", {"c": 2})
    for wrong in ({"args": [1], "kwargs": {"a": 1}}, {"args": []}, [1], {"args": [1], "x": 1}):
        with pytest.raises(Refused):
            signature(f).bind_call(wrong)


def test_every_fault_is_named() -> None:
    def process_order(order_id: int, customer_email: str, items: list[Item]): ...

    with pytest.raises(Refused) as caught:
        bind(
            process_order,
            {"order_id": "x", "items": [{"name": "a"}, {"nme": 1}], "custmer_email": ""},
        )
    assert [str(fault) for fault in caught.value.faults] == [
        'order_id: expected int, got "x"',
        "customer_email: is missing, expected str",
        "items[1].name: is missing, expected str",
        "items[1].nme: is not expected; did you mean 'name'?",
        "custmer_email: is not expected; did you mean 'customer_email'?",
    ]


def test_faults_are_bounded_and_secrets_covered() -> None:
    def f(password: int, many: list[int]): ...

    with pytest.raises(Refused) as caught:
        bind(f, {"password": "hunter2", "many": ["x"] * 1000})
    told = caught.value.plain()
    assert len(told) == 100
    assert told[0]["input"] == "[hidden]"


def test_wrapped_functions_and_texts_for_annotations() -> None:
    def wrapper(f: Any) -> Any:
        @functools.wraps(f)
        def inner(*args: Any, **keywords: Any) -> Any:
            return f(*args, **keywords)

        return inner

    @wrapper
    def f(n: int):
        return n

    assert bind(f, "3") == 3


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (Callable, "cannot be made from data"),
        (Callback, "is a protocol"),
        (type, "cannot be made from data"),
        ("Missing", "names 'Missing', which is not there"),
        (set[dict], "it is not hashable"),
        (dict[list, int], "a key of JSON is a text"),
        (complex, "cannot be made from data"),
    ],
)
def test_what_cannot_be_bound(hint: Any, words: str) -> None:
    def f(go): ...

    f.__annotations__["go"] = hint
    with pytest.raises(Unbindable, match=words) as caught:
        signature(f)
    assert caught.value.lines[0].startswith("parameter 'go' of f: ")


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"NaN",
        b"\xff",
        b'"\\ud800"',
        b"1" * 5000,
        b"[" * 300 + b"]" * 300,
        b"1e999",
        b"\xef\xbb\xbf1",
    ],
)
def test_payloads_that_are_no_json(data: bytes) -> None:
    with pytest.raises(Refused, match="not JSON that fngen takes"):
        decode(data)


def test_payloads_that_are() -> None:
    assert decode(b"") is None
    assert decode(b'"\\ud83d\\ude00 \\\\ud800"') == "\U0001f600 \\ud800"
    assert decode(b"9007199254740993") == 9007199254740993


LIBRARIES = """
    import json, pydantic, attrs, msgspec
    from fngen.runtime.bind import signature, Refused

    class Inner(pydantic.BaseModel):
        n: int
    class Model(pydantic.BaseModel):
        name: str
        inner: list[Inner] = []
    @attrs.define
    class Attr:
        a: int
        _b: str = "x"
    class Struct(msgspec.Struct):
        a: int

    def model(order: Model): return order.inner[0].n
    def attr(it: Attr, n: int = 0): return it.a
    def struct(it: Struct): return it.a

    def call(f, payload):
        args, keywords = signature(f).bind(payload)
        return f(*args, **keywords)

    assert call(model, {"name": "x", "inner": [{"n": "5"}]}) == 5
    assert call(model, {"order": {"name": "x", "inner": [{"n": "5"}]}}) == 5
    assert call(attr, {"it": {"a": "1", "b": "y"}}) == 1
    assert call(struct, {"a": "3"}) == 3
    try:
        call(model, {"name": 1, "inner": [{"n": "x"}]})
    except Refused as refused:
        print(json.dumps([fault["loc"] for fault in refused.plain()]))
"""


def test_models_of_libraries(tmp_path: Path, libraries: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(LIBRARIES))
    source = Path(__file__).parent.parent / "src"
    done = subprocess.run(
        [str(libraries), str(script)],
        env={"PYTHONPATH": str(source)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [["name"], ["inner", 0, "n"]]


def test_runs_with_nothing_but_the_standard_library() -> None:
    source = Path(__file__).parent.parent / "src"
    code = "import sys; import fngen.runtime.bind, fngen.platform; print([m for m in sys.modules if 'pydantic' in m])"  # noqa: E501
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(source)!r}); {code}"],  # noqa: E501
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python's parser knows no Z before")
def test_plain_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own parser reads what it is given as the one of ours does."""
    chance = random.Random(1)  # noqa: S311  # the same texts each time

    def read(text: str, own: bool) -> Any:
        monkeypatch.setattr(times, "_HAS_PARSER", not own)
        try:
            made = times.moment(text)
        except Refused as refused:
            return refused.plain()
        return made, made.tzinfo and made.utcoffset(), type(made.tzinfo), made.fold

    for _ in range(20_000):
        year = chance.choice([0, 1, 1970, 2024, 9999])
        numbers = [chance.randint(0, most) for most in (13, 32, 25, 61, 61, 25, 61)]
        text = "{:04d}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}".format(year, *numbers[:5])
        text += chance.choice(["", f".{chance.randint(0, 10 ** chance.randint(1, 7))}"])
        text += chance.choice(["", "Z", "+{:02d}:{:02d}", "-{:02d}:{:02d}"]).format(*numbers[5:])
        assert read(text, own=False) == read(text, own=True), text
