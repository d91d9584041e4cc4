"""Requests that are larger than they may be."""

from __future__ import annotations

import socket

import pytest
from conftest import Start
from harness import DEADLINE, Instance

ASGI = """
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            print("the client has gone", flush=True)
            return
        size += len(message["body"])
        more = message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % size})

def live_app():
    return app
"""

WSGI = """
def app(environ, start_response):
    size = len(environ["wsgi.input"].read())
    start_response("200 OK", [])
    return [b"%d" % size]

def live_app():
    return app
"""
KINDS = pytest.mark.parametrize("code", [ASGI, WSGI], ids=["ASGI", "WSGI"])
MB = 1 << 20


def send(instance: Instance, head: bytes, *parts: bytes) -> bytes:
    """Send a request, and return all that comes until the server has closed."""
    with socket.create_connection(("127.0.0.1", instance.port), DEADLINE) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + head + b"\r\n")
        for part in parts:
            sock.sendall(part)
        answer = b""
        while data := sock.recv(65536):
            answer += data
        return answer


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@KINDS
def test_a_body_has_a_largest_size(start: Start, code: str) -> None:
    instance = start({"app.py": code}, FNGEN_MAX_BODY_MB="1").ready()
    whole = b"x" * MB
    length, chunked = b"Content-Length: %d\r\n", b"Transfer-Encoding: chunked\r\n"
    for answer in (
        send(instance, length % MB, whole),
        send(instance, chunked, chunk(whole), chunk(b"")),
    ):
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"%d" % MB in answer
    for answer in (
        send(instance, length % (MB + 1), whole + b"x"),
        send(instance, length % (5 * MB), whole),  # the rest is not waited for
        send(instance, chunked, chunk(whole), chunk(b"x")),
    ):
        assert answer.startswith(b"HTTP/1.1 413 Content Too Large\r\n")
        assert answer.lower().endswith(b"\r\n\r\ncontent too large\n")
    assert instance.get()[0].status == 200


@KINDS
def test_without_a_limit_a_body_is_of_any_size(start: Start, code: str) -> None:
    instance = start({"app.py": code}).ready()
    assert b"%d" % (8 * MB) in send(instance, b"Content-Length: %d\r\n" % (8 * MB), b"x" * 8 * MB)


@KINDS
@pytest.mark.parametrize(("env", "kb"), [({}, 64), ({"FNGEN_MAX_HEADER_KB": "8"}, 8)])
def test_a_head_has_a_largest_size(start: Start, code: str, env: dict[str, str], kb: int) -> None:
    instance = start({"app.py": code}, **env).ready()
    field = b"A: b" + b"c" * 999 + b"\r\n"
    assert send(instance, field * (kb - 1)).startswith(b"HTTP/1.1 200 OK\r\n")
    for head in (field * (kb + 10), b"A: " + b"b" * 3 * kb * 1024):
        answer = send(instance, head)
        assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert instance.get()[0].status == 200


@KINDS
def test_an_idle_connection_is_closed_after_its_time(start: Start, code: str) -> None:
    instance = start({"app.py": code}, FNGEN_KEEP_ALIVE="1").ready()
    with socket.create_connection(("127.0.0.1", instance.port), DEADLINE) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = b""
        while data := sock.recv(65536):
            answer += data
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close" not in answer.lower()
