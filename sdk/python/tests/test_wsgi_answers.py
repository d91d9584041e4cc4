"""What the server of WSGI makes of an application's answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from wsgi_server import Server, everything, until

Serve = Callable[..., Server]
ASK = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@pytest.fixture
def serve() -> Iterator[Serve]:
    started: list[Server] = []

    def run(app: Any, **options: Any) -> Server:
        started.append(Server(app, **options))
        return started[-1]

    yield run
    for server in started:
        server.close()


def says(*parts: bytes, status: str = "200 OK", headers: Any = ()) -> Any:
    def app(environ: Any, start_response: Any) -> Any:
        start_response(status, list(headers))
        return iter(parts)

    return app


def body(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def test_one_part_in_a_list_has_a_length(serve: Serve) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello"]

    answer = serve(app).exchange(ASK)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nx-request-id: ")
    assert b"\r\ncontent-length: 5\r\n" in answer
    assert re.search(rb"\r\ndate: \w{3}, .* GMT\r\n", answer)
    assert body(answer) == b"hello"


def test_parts_go_out_in_chunks(serve: Serve) -> None:
    answer = serve(says(b"a" * 20, b"", b"b")).exchange(ASK)
    assert b"\r\ntransfer-encoding: chunked\r\n" in answer
    assert body(answer) == b"14\r\n" + b"a" * 20 + b"\r\n1\r\nb\r\n0\r\n\r\n"


def test_an_old_client_gets_no_chunks(serve: Serve) -> None:
    answer = serve(says(b"a", b"b")).exchange(b"GET / HTTP/1.0\r\n\r\n")
    assert b"chunked" not in answer
    assert body(answer) == b"ab"


@pytest.mark.parametrize("method", [b"HEAD", b"GET"])
@pytest.mark.parametrize("status", ["200 OK", "204 No Content", "304 Not Modified"])
def test_what_has_no_body_gets_none(serve: Serve, method: bytes, status: str) -> None:
    server = serve(says(b"body", status=status))
    answer = server.exchange(ASK.replace(b"GET", method))
    assert (b"body" in answer) == (method == b"GET" and status == "200 OK")


def test_a_promised_length_is_kept(serve: Serve) -> None:
    more = serve(says(b"abc", b"def", headers=[("Content-Length", "4")]))
    assert body(more.exchange(ASK)) == b"abcd"
    less = serve(says(b"abc", headers=[("Content-Length", "4")]))
    with less.connect() as sock:  # it must be seen that something is missing
        sock.sendall(ASK.replace(b"Connection: close\r\n", b""))
        assert body(everything(sock)) == b"abc"


@pytest.mark.parametrize(
    "headers", [[("A", "b\r\nSet-Cookie: c")], [("A\n", "b")], [("Content-Length", "\r5")]]
)
def test_a_line_break_in_a_field_is_no_second_field(serve: Serve, headers: Any) -> None:
    answer = serve(says(b"x", headers=headers)).exchange(ASK)
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"Set-Cookie" not in answer


def test_fields_of_the_connection_are_the_servers(serve: Serve) -> None:
    app = says(b"ab", headers=[("Transfer-Encoding", "gzip"), ("Connection", "close")])
    answer = serve(app).exchange(ASK.replace(b"Connection: close\r\n", b""))
    assert b"gzip" not in answer
    assert answer.count(b"connection: close") == 1


def test_write_and_a_late_start(serve: Serve) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        write = start_response("200 OK", [])
        write(b"one")
        return [b"two"]

    assert body(serve(app).exchange(ASK)) == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"

    def generator(environ: Any, start_response: Any) -> Any:
        start_response("201 Created", [])
        yield b"x"

    assert serve(generator).exchange(ASK).startswith(b"HTTP/1.1 201 Created")


def test_an_error_before_the_answer_is_a_500_and_keeps_the_connection(serve: Serve) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        if environ["PATH_INFO"] == "/wrong":
            raise SystemExit(3)
        return [b"fine"]

    answer = serve(app).exchange(b"GET /wrong HTTP/1.1\r\n\r\n", ASK)
    assert answer.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert answer.endswith(b"\r\n\r\nfine")


def test_an_error_in_the_answer_breaks_it_off(serve: Serve) -> None:
    closed = []

    class Parts:
        def __iter__(self) -> Any:
            yield b"one"
            raise ValueError("out of stock")

        def close(self) -> None:
            closed.append(True)

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return Parts()

    answer = serve(app).exchange(b"GET / HTTP/1.1\r\n\r\n")
    assert body(answer) == b"3\r\none\r\n"
    assert closed == [True]


def test_exc_info_replaces_what_has_not_gone(serve: Serve) -> None:
    import sys

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("A", "b")])
        try:
            raise ValueError
        except ValueError:
            start_response("503 Service Unavailable", [], sys.exc_info())
        return [b"x"]

    answer = serve(app).exchange(ASK)
    assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\nx-request-id")


def test_pipelined_requests_are_answered_in_order(serve: Serve) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return [environ["PATH_INFO"].encode()]

    asks = b"".join(b"GET /%d HTTP/1.1\r\n\r\n" % n for n in range(20))
    answer = serve(app).exchange(asks + ASK)
    assert re.findall(rb"\r\n\r\n(/\d*)", answer) == [b"/%d" % n for n in range(20)] + [b"/"]


def test_what_is_no_http_is_answered(serve: Serve) -> None:
    server = serve(says(b"x"))
    assert server.exchange(b"NONSENSE\r\n\r\n").startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert server.exchange(b"CONNECT a:1 HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    huge = b"GET / HTTP/1.1\r\nA: " + b"a" * 70_000 + b"\r\n\r\n"
    assert server.exchange(huge).startswith(b"HTTP/1.1 431 ")


def test_a_client_that_goes_away_disturbs_nobody(serve: Serve) -> None:
    server = serve(says(*[b"x" * 65536] * 200))
    for _ in range(5):
        with server.connect() as sock:
            sock.sendall(ASK)
            until(sock, b"\r\n\r\n")
    assert len(body(server.exchange(ASK))) > 200 * 65536
