"""How bodies of requests come to an application of WSGI."""

from __future__ import annotations

import random
from typing import Any

from test_wsgi_answers import Serve, body, serve, until
from test_wsgi_parser import GOOD, cut, mutate

__all__ = ["serve"]


def echo(environ: Any, start_response: Any) -> Any:
    data = environ["wsgi.input"].read()
    start_response("200 OK", [("Length", environ.get("CONTENT_LENGTH", ""))])
    return [b"%d " % len(data) + data[:10]]


def post(data: bytes, *more: bytes) -> bytes:
    fields = b"".join(field + b"\r\n" for field in (*more, b"Connection: close"))
    return b"POST / HTTP/1.1\r\nContent-Length: %d\r\n%b\r\n%b" % (len(data), fields, data)


def test_bodies_of_any_size_are_read(serve: Serve) -> None:
    server = serve(echo)
    for size in (0, 1, 65536, 65537, 5_000_000):
        answer = server.exchange(post(b"a" * size))
        assert body(answer).split()[0] == b"%d" % size
        assert b"\r\nLength: %d\r\n" % size in answer


def test_chunks_of_any_size_are_read(serve: Serve) -> None:
    server = serve(echo)
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    for count in (1, 5, 400):
        chunk = b"%x\r\n%b\r\n" % (1000, b"a" * 1000)
        answer = server.exchange(head, *[chunk] * count, b"0\r\n\r\n")
        assert body(answer).split()[0] == b"%d" % (1000 * count)


def test_lines_and_parts_are_read(serve: Serve) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        stream = environ["wsgi.input"]
        read = [stream.read(3), stream.readline(), *stream]
        start_response("200 OK", [])
        return [repr([read[:3], len(read)]).encode()]

    for count in (2, 50_000):  # in memory, and from the socket
        answer = serve(app).exchange(post(b"abcd\n" + b"line\n" * count))
        assert body(answer) == repr([[b"abc", b"d\n", b"line\n"], count + 2]).encode()


def test_a_client_that_expects_is_told_to_go_on_when_the_body_is_read(serve: Serve) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        if environ["PATH_INFO"] == "/refused":
            return [b"no"]
        return [environ["wsgi.input"].read()]

    server = serve(app)
    with server.connect() as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert until(sock, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"hello")
        assert until(sock, b"hello").startswith(b"HTTP/1.1 200 OK")
        sock.sendall(b"POST /refused HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert until(sock, b"\r\n\r\nno").startswith(b"HTTP/1.1 200 OK")


def test_what_nobody_reads_of_a_body_is_no_request(serve: Serve) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return [environ["PATH_INFO"].encode()]

    large = b"GET /inner HTTP/1.1\r\n\r\n" * 20_000
    unread = b"POST /outer HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(large)
    answer = serve(app).exchange(unread, large, b"GET /next HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert b"/inner" not in answer
    assert answer.index(b"/outer") < answer.index(b"/next")


def test_a_body_that_breaks_off_is_refused(serve: Serve) -> None:
    server = serve(echo)
    broken = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\nzz\r\n"
    for size in (10, 200_000):
        answer = server.exchange(broken % (size, b"a" * size))
        assert answer.startswith(b"HTTP/1.1 400 ")


def test_mutations_over_sockets_are_answered_the_same_in_any_pieces(serve: Serve) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        data = environ["wsgi.input"].read()
        start_response("200 OK", [("X-Request-Id", "1"), ("Date", "now")])
        return [repr((environ["REQUEST_METHOD"], environ["PATH_INFO"], data)).encode()]

    server = serve(app)
    rng = random.Random(16)  # noqa: S311
    for _ in range(150):
        data = mutate(b"".join(rng.choice(GOOD) for _ in range(2)), rng)
        # The answer to the last request closes, unless a mutation has hidden it.
        data += b"\r\n\r\n" + b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n" * 30 + b"\0" * 70_000
        whole = _fixed(server.exchange(data))
        assert _fixed(server.exchange(*cut(data, rng))) == whole, data
        assert whole.startswith(b"HTTP/1.1 ")


def _fixed(answer: bytes) -> bytes:
    """Return an answer without what is another each time."""
    lines = [
        line
        for line in answer.split(b"\r\n")
        if not line.lower().startswith((b"date:", b"x-request-id:"))
    ]
    return b"\r\n".join(lines)
