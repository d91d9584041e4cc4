"""Clients that are slow on purpose."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any, Callable

import pytest
from conftest import Start
from harness import DEADLINE, Instance
from test_limits import KINDS
from test_wsgi_answers import ASK, Serve, body, serve

from fngen.runtime.limits import Limits
from fngen.runtime.wsgi import crew

__all__ = ["serve"]

POST = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
LARGE = b"Content-Length: 1000000\r\n\r\n"
LATE = b"HTTP/1.1 408 Request Timeout\r\n"


def dribble(sock: socket.socket, piece: bytes, pause: float = 0.05) -> bytes:
    """Send piece again and again until the server answers; return the answer."""
    answer, until = b"", time.monotonic() + DEADLINE
    sock.settimeout(pause)
    while time.monotonic() < until:
        try:
            data = sock.recv(65536)
        except TimeoutError:
            if not answer:
                sock.sendall(piece)
            continue
        if not data:
            return answer
        answer += data
    raise AssertionError("it is never closed")


def opened(instance: Instance) -> socket.socket:
    return socket.create_connection(("127.0.0.1", instance.port), DEADLINE)


@KINDS
@pytest.mark.parametrize(
    ("start_of_it", "piece"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n", b"A: b\r\n"),
        (b"GET", b""),
        (POST + b"Content-Length: 1000\r\n\r\n", b"x"),
        (POST + LARGE, b"x" * 40),
        (POST + LARGE + b"x" * 100_000, b"x"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["head", "method", "body", "large", "large begun", "chunks"],
)
def test_who_keeps_no_pace_is_told_and_cut(
    start: Start, code: str, start_of_it: bytes, piece: bytes
) -> None:
    instance = start({"app.py": code}, FNGEN_PACE_SECONDS="1").ready()
    with opened(instance) as sock:
        sock.sendall(start_of_it)
        answer = dribble(sock, piece)
    assert answer.startswith(LATE)
    assert answer.lower().endswith(b"\r\n\r\nrequest timeout\n")
    assert instance.get()[0].status == 200


@KINDS
def test_a_body_that_keeps_pace_may_take_long(start: Start, code: str) -> None:
    instance = start({"app.py": code}, FNGEN_PACE_SECONDS="4").ready()
    with opened(instance) as sock:
        sock.sendall(POST + b"Content-Length: 1000000\r\n\r\n")
        for _ in range(20):  # more than two turns, at 400,000 bytes in each
            time.sleep(0.5)
            sock.sendall(b"x" * 50_000)
        assert b"1000000" in dribble(sock, b"")


@KINDS
def test_an_idle_connection_is_no_slow_one(start: Start, code: str) -> None:
    instance = start({"app.py": code}, FNGEN_PACE_SECONDS="0.5").ready()
    with opened(instance) as sock:
        time.sleep(1.5)
        sock.sendall(POST + b"Content-Length: 2\r\n\r\nab")
        assert dribble(sock, b"").startswith(b"HTTP/1.1 200 OK\r\n")


SLOW_READER = """
import asyncio

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    if scope["path"] == "/late":
        await asyncio.sleep(2.5)
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
        if scope["path"] == "/pauses":
            await asyncio.sleep(0.8)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % size})

def live_app():
    return app
"""


@pytest.mark.parametrize("path", [b"/late", b"/pauses"])
def test_that_the_application_reads_slowly_is_not_held_against_its_client(
    start: Start, path: bytes
) -> None:
    instance = start({"app.py": SLOW_READER}, FNGEN_PACE_SECONDS="0.5").ready()
    size = 400_000
    head = POST.replace(b" / ", b" %b " % path) + b"Content-Length: %d\r\n" % size
    with opened(instance) as sock:
        sock.sendall(head + b"\r\n" + b"x" * size)
        assert b"%d" % size in dribble(sock, b"")
    with opened(instance) as sock:
        sock.sendall(head + b"Expect: 100-continue\r\n\r\n")
        assert sock.recv(65536).startswith(b"HTTP/1.1 100 ")
        sock.sendall(b"x" * size)
        assert b"%d" % size in dribble(sock, b"")


@pytest.mark.parametrize("chunked", [False, True])
def test_an_application_that_makes_an_error_of_it_does_not_answer(
    serve: Serve, chunked: bool
) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        try:
            environ["wsgi.input"].read()
        except OSError:
            start_response("500 Internal Server Error", [("Content-Length", "2")])
            return [b"no"]
        raise AssertionError

    limits = Limits(pace_seconds=0.5, body_bytes=0 if not chunked else 100_000)
    server = serve(app, limits=limits)
    with server.connect() as sock:
        sock.sendall(POST)
        if chunked:
            chunk = b"%x\r\n%b\r\n" % (1000, b"x" * 1000)
            sock.sendall(b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 99)
            answer = dribble(sock, chunk)
        else:
            sock.sendall(LARGE)
            answer = dribble(sock, b"x")
    assert answer.startswith(b"HTTP/1.1 413 " if chunked else LATE)
    assert answer.count(b"HTTP/1.1") == 1


def size_of_body(environ: Any, start_response: Any) -> Any:
    if environ["PATH_INFO"] == "/large":
        start_response("200 OK", [])
        return [b"x" * 50_000_000]
    size = len(environ["wsgi.input"].read())
    start_response("200 OK", [])
    return [b"%d" % size]


@pytest.mark.parametrize("threads", [1, 4])
def test_slow_bodies_and_readers_hold_no_thread_that_serves(serve: Serve, threads: int) -> None:
    server = serve(size_of_body, threads=threads)
    slow = [server.connect() for _ in range(40)]
    for sock in slow[:20]:
        sock.sendall(POST + LARGE)
    for sock in slow[20:]:
        sock.sendall(b"GET /large HTTP/1.1\r\n\r\n")
    wait_for(lambda: server.crew._waiting == len(slow))
    for _ in range(20):
        assert body(server.exchange(ASK)) == b"0"
    for sock in slow[:20]:
        sock.sendall(b"x" * 1_000_000)
        assert dribble(sock, b"").endswith(b"1000000")
    for sock in slow[20:]:
        sock.close()
    wait_for(lambda: server.crew.in_work == 0)
    assert body(server.exchange(ASK)) == b"0"
    wait_for(lambda: server.crew._members <= threads)


def test_those_that_have_waited_are_not_more_than_there_are_places(serve: Serve) -> None:
    together, most, lock = 0, 0, threading.Lock()

    def app(environ: Any, start_response: Any) -> Any:
        nonlocal together, most
        environ["wsgi.input"].read()
        with lock:
            together += 1
            most = max(most, together)
        time.sleep(0.05)
        with lock:
            together -= 1
        start_response("200 OK", [])
        return [b"served"]

    server = serve(app, threads=2)
    slow = [server.connect() for _ in range(12)]
    for sock in slow:
        sock.sendall(POST + LARGE)
    wait_for(lambda: server.crew._waiting == len(slow))
    for sock in slow:
        threading.Thread(target=sock.sendall, args=(b"x" * 1_000_000,), daemon=True).start()
    for sock in slow:
        assert dribble(sock, b"").endswith(b"served")
    assert most == 2


def test_who_finds_no_place_to_wait_is_asked_to_come_again(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "_MOST_WAITING", 3)
    server = serve(size_of_body, threads=2)
    slow = [server.connect() for _ in range(3)]
    for sock in slow:
        sock.sendall(POST + LARGE)
    wait_for(lambda: server.crew._waiting == len(slow))
    with server.connect() as sock:
        sock.sendall(POST + LARGE)
        answer = dribble(sock, b"")
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nretry-after: " in answer
    assert body(server.exchange(ASK)) == b"0"


def test_the_rest_of_a_body_that_nobody_reads_is_not_waited_for_without_end(
    serve: Serve,
) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return [b"served"]

    server = serve(app, limits=Limits(pace_seconds=0.5))
    with server.connect() as sock:
        sock.sendall(b"POST / HTTP/1.1\r\n" + LARGE)
        assert sock.recv(65536).endswith(b"served")
        assert gone(sock)


def gone(sock: socket.socket) -> bool:
    """Send byte by byte until the server has closed."""
    until = time.monotonic() + DEADLINE
    while time.monotonic() < until:
        try:
            sock.sendall(b"x")
        except OSError:
            return True
        time.sleep(0.05)
    return False


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)
