"""Requests are refused before the memory runs out."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from conftest import Start
from harness import until
from test_wsgi_answers import ASK, Serve, body, serve

from fngen.runtime import overload as module
from fngen.runtime.overload import Overload

__all__ = ["serve"]


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Overload:
    """A process that takes 95 of 100 MB, of which it took 50 without a request."""
    taken = iter([50 << 20])
    monkeypatch.setattr(module, "_taken", lambda: next(taken, 95 << 20))
    overload = Overload(100 << 20)
    overload.begin()
    return overload


def test_with_little_in_work_requests_are_served_whatever_the_memory(full: Overload) -> None:
    assert [full.refuses(count) for count in (1, 4, 5, 100, 3)] == [
        *(False, False, True, True, False)
    ]


def test_what_is_left_is_shared_by_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = 50 << 20
    monkeypatch.setattr(module, "_taken", lambda: taken)
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.0)
    overload = Overload(100 << 20, 2)
    overload.begin()
    taken = 69 << 20
    assert not overload.refuses(10)
    taken = 71 << 20
    assert overload.refuses(10)


def test_without_a_limit_nothing_is_refused() -> None:
    overload = Overload(0)
    overload.begin()
    assert not overload.refuses(10**6)


def test_a_refused_request_may_come_again(
    serve: Serve, full: Overload, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = threading.Event()

    def app(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/wait":
            go_on.wait(60)
        start_response("200 OK", [])
        return [b"served"]

    server = serve(app, threads=8, overload=full)
    waiting = []
    for count in range(1, 5):
        sock = server.connect()
        sock.sendall(ASK.replace(b" /", b" /wait", 1))
        waiting.append(sock)
        until(lambda count=count: server.crew.in_work == count, "it is in work")
    answer = server.exchange(ASK)
    assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"\r\nretry-after: 2\r\n" in answer
    assert "overload: the memory is nearly full (95 of 100 MB) with 5 requests" in caplog.text
    go_on.set()
    for sock in waiting:
        assert b"served" in sock.recv(65536)
    assert body(server.exchange(ASK)) == b"served"


EATER = """
import asyncio
from fastapi import FastAPI

app = FastAPI()
held = []

@app.get("/eat")
async def eat():
    held.append(bytearray(b"x" * (8 << 20)))
    await asyncio.sleep(600)

@app.get("/")
async def root():
    return "hello"

def live_app():
    return app
"""


def test_an_app_that_fills_its_memory_goes_on_answering(start: Start) -> None:
    instance = start({"app.py": EATER}, NOMAD_MEMORY_LIMIT="300").ready()
    eating = []

    def refused() -> bool:
        connection = instance.connect()
        connection.request("GET", "/eat")
        eating.append(connection)
        return instance.get()[0].status == 503

    for _ in range(80):
        if refused():
            break
    response, text = instance.get()
    assert (response.status, text) == (503, "overloaded\n")
    assert response.headers["retry-after"] == "2"
    assert instance.get(Fngen_Check="1")[0].status == 200
    assert "overload: the memory is nearly full" in instance.output
