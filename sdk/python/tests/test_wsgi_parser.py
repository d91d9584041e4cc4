"""What the bytes of a connection are taken for, in whatever pieces they come."""

from __future__ import annotations

import random
from typing import Any

import pytest

from fngen.runtime.limits import Limits
from fngen.runtime.wsgi.environ import Maker, UnfitTargetError
from fngen.runtime.wsgi.parser import Parser

GOOD = [
    b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
    b"GET /caf%C3%A9?q=1&r=%20#part HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n",
    b"POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n2\r\nde\r\n0\r\nT: x\r\n\r\n",
    b"GET / HTTP/1.0\r\nConnection: keep-alive\r\nX_Forwarded_For: 192.0.2.1\r\n\r\n",
    b"HEAD http://a.example/path HTTP/1.1\r\nExpect: 100-continue\r\n\r\n",
    b"POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc",
    b"OPTIONS * HTTP/1.1\r\n\r\n",
]


def taken(pieces: list[bytes]) -> list[Any]:
    """Describe what a parser makes of pieces."""
    parser = Parser()
    for piece in pieces:
        parser.feed(piece)
    seen: list[Any] = []
    for request in parser.requests:
        body = b"".join(request.chunks)
        if parser.closed and not request.complete:
            break
        seen.append(
            (
                *(request.method, request.target, request.version, request.keep_alive),
                *(request.headers, request.length, request.expects, request.complete, body),
            )
        )
    return [*seen, parser.refusal]


def cut(data: bytes, rng: random.Random) -> list[bytes]:
    places = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(8)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)]) if a < b]


def mutate(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(out))
        choice = rng.randrange(4)
        if choice == 0:
            out[at] = rng.randrange(256)
        elif choice == 1:
            del out[at : at + rng.randrange(1, 6)]
        elif choice == 2:
            out[at:at] = rng.choice([b"\r\n", b"\0", b":", b" ", b"%", b"0", b"\xff", b"chunked"])
        else:
            other = rng.choice(GOOD)
            out[at:at] = other[rng.randrange(len(other)) :]
        if not out:
            out += b"x"
    return bytes(out)


@pytest.mark.parametrize("request_", GOOD)
def test_a_request_byte_by_byte_is_the_same(request_: bytes) -> None:
    whole = taken([request_])
    assert len(whole) == 2
    assert whole[-1] == 0
    assert whole[0][-2] is True  # complete
    assert taken([request_[i : i + 1] for i in range(len(request_))]) == whole


def test_bodies_are_read() -> None:
    assert [taken([one])[0][-1] for one in GOOD] == [
        *(b"", b"", b"hello", b"abcde", b"", b"", b"abc", b"")
    ]


def test_mutations_in_any_pieces_are_taken_for_the_same() -> None:
    rng = random.Random(15)  # noqa: S311
    maker = Maker("127.0.0.1", 80, "*")
    refused = 0
    for _ in range(6000):
        data = b"".join(rng.choice(GOOD) for _ in range(rng.randrange(1, 4)))
        if rng.random() < 0.9:
            data = mutate(data, rng)
        whole = taken([data])
        refused += whole[-1] != 0
        assert taken(cut(data, rng)) == whole, data
        environments(maker, data)
    assert 500 < refused < 5500  # both kinds are met


def environments(maker: Maker, data: bytes) -> None:
    """Make the environment of each request of data: it is text, or no path."""
    parser = Parser()
    parser.feed(data)
    for request in parser.requests:
        try:
            environ = maker.make(request, ("127.0.0.1", 1), None)  # type: ignore[arg-type]
        except UnfitTargetError:
            continue
        assert environ.get("HTTP_X_FORWARDED_FOR") != "192.0.2.1"
        for name, value in environ.items():
            if name.isupper():
                assert value.isascii() or value.encode("latin-1")


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -3\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"BREW / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_no_http_is_refused(data: bytes) -> None:
    assert taken([data]) == [400]


@pytest.mark.parametrize("piece", [1000, 1 << 20])
@pytest.mark.parametrize(
    "head",
    [
        b"GET /%b HTTP/1.1\r\n\r\n" % (b"a" * Limits.head_bytes),
        b"GET / HTTP/1.1\r\nA: %b\r\n\r\n" % (b"a" * 3 * Limits.head_bytes),
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * (Limits.head_bytes // 4) + b"\r\n",
        b"GET / HTTP/1.1\r\nA: %b" % (b"a" * 3 * Limits.head_bytes),
    ],
)
def test_a_head_that_is_too_large_is_refused(head: bytes, piece: int) -> None:
    assert taken([head[i : i + piece] for i in range(0, len(head), piece)]) == [431]


def test_what_follows_the_last_request_means_nothing() -> None:
    last = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"
    assert taken([last + b"rubbish"]) == taken([last]) == taken([last, GOOD[0]])
