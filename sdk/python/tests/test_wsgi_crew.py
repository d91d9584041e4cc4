"""Who serves which connection, and when."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest
from test_wsgi_answers import Serve, serve, until
from wsgi_server import DEADLINE

from fngen.runtime.wsgi.handoff import Handoff

__all__ = ["serve"]
ASK = b"GET / HTTP/1.1\r\n\r\n"
HELLO = b"\r\n\r\nhello"


def hello(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [])
    return [b"hello"]


class Barrier:
    """An application that answers /wait only once so many requests are in it."""

    def __init__(self, count: int) -> None:
        self.together = threading.Barrier(count)
        self.threads: set[str] = set()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        self.threads.add(threading.current_thread().name)
        if environ["PATH_INFO"] == "/wait":
            self.together.wait(DEADLINE)
        return hello(environ, start_response)


@pytest.mark.parametrize("count", [1, 2, 8])
def test_requests_that_wait_are_served_at_the_same_time(serve: Serve, count: int) -> None:
    app = Barrier(count)
    server = serve(app, threads=count)
    for _ in range(5):
        socks = [server.connect() for _ in range(count)]
        for sock in socks:
            sock.sendall(b"GET /wait HTTP/1.1\r\n\r\n")
        for sock in socks:
            assert until(sock, HELLO)
            sock.close()
    assert len(app.threads) <= count


def test_more_than_there_are_threads_wait_for_one(serve: Serve) -> None:
    server = serve(Barrier(2), threads=2)
    socks = [server.connect() for _ in range(10)]
    for sock in socks:
        sock.sendall(b"GET /wait HTTP/1.1\r\n\r\n")
    for sock in socks:
        assert until(sock, HELLO)


def test_quick_requests_need_no_second_thread(serve: Serve) -> None:
    app = Barrier(1)
    server = serve(app, threads=1)
    socks = [server.connect() for _ in range(20)]
    for _ in range(20):
        for sock in socks:
            sock.sendall(ASK)
        for sock in socks:
            assert until(sock, HELLO)
    assert len(app.threads) == 1


def test_what_comes_while_a_request_is_served_is_kept(serve: Serve) -> None:
    app = Barrier(2)
    server = serve(app, threads=3)
    first, second = server.connect(), server.connect()
    first.sendall(b"GET /wait HTTP/1.1\r\n\r\n")
    for _ in range(3):  # the first is busy: these are for others, and for later
        first.sendall(ASK)
        third = server.connect()
        third.sendall(ASK)
        assert until(third, HELLO)
    second.sendall(b"GET /wait HTTP/1.1\r\n\r\n")
    assert until(second, HELLO)
    for _ in range(4):
        assert until(first, HELLO)


def test_many_connections_come_and_go(serve: Serve) -> None:
    server = serve(hello, threads=4)
    failed: list[BaseException] = []

    def ask(kept: bool) -> None:
        try:
            sock: socket.socket | None = None
            for _ in range(60):
                sock = sock or server.connect()
                sock.sendall(ASK)
                assert until(sock, HELLO)
                if not kept:
                    sock.close()
                    sock = None
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=ask, args=(number % 2 == 0,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_a_drain_answers_what_has_come_and_closes_the_rest(serve: Serve) -> None:
    app = Barrier(2)
    server = serve(app, threads=2)
    idle, busy = server.connect(), server.connect()
    idle.sendall(ASK)
    assert b"connection: close" not in until(idle, HELLO)
    busy.sendall(b"GET /wait HTTP/1.1\r\n\r\n")
    server.traffic.drain()
    idle.sendall(b"GET /wait HTTP/1.1\r\n\r\n")
    for sock in (idle, busy):
        assert b"connection: close" in until(sock, HELLO)
        assert sock.recv(1) == b""
    server.crew.stop_listening()
    waiting = threading.Event()
    while not server.crew.is_done():
        waiting.wait(0.01)


def test_the_lead_is_handed_off_and_tried_without() -> None:
    handoff = Handoff()
    assert not handoff.shares(0.0)
    handoff.share(0.0)
    assert handoff.shares(0.5)
    assert not handoff.shares(1.1)  # it is tried without
    handoff.share(1.2)
    assert handoff.shares(3.0)  # believed for longer
    assert not handoff.shares(3.3)
    for _ in range(2):
        handoff.saw(0.002, 0.0001, 3.4)
    handoff.saw(0.0001, 0.0001, 3.4)
    handoff.saw(0.002, 0.0001, 3.4)
    assert not handoff.shares(3.5)  # not three in a row
    handoff.saw(0.002, 0.0001, 3.5)
    handoff.saw(0.002, 0.0001, 3.5)
    assert handoff.shares(3.6)
