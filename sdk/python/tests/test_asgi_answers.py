"""What an application of ASGI answers, or does not, and what is told of it."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Start
from harness import DEADLINE, Instance, until

CODE = """
import os
import signal

START = {"type": "http.response.start", "status": 200}
SIZED = {**START, "headers": [(b"content-length", b"4")]}
NAMED = {**START, "headers": [(b"X-Request-Id", b"own"), (b"content-length", b"0")]}
PART = {"type": "http.response.body", "body": b"on", "more_body": True}
END = {"type": "http.response.body"}

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    path = scope["path"]
    if path == "/named":
        return [await send(message) for message in (NAMED, END)]
    if path in ("/part", "/breaks", "/gone"):
        await send(SIZED)
        await send(PART)
    if path == "/breaks":
        raise ValueError("out of stock")
    if path == "/cancelled":
        raise SystemExit(3)
    if path == "/gone":
        await receive()
        while (await receive())["type"] != "http.disconnect":
            pass
        await send({"type": "http.response.body", "body": b"ce"})
    if path == "/killed":
        await send(NAMED)
        await send(END)
        os.kill(os.getpid(), signal.SIGKILL)

def live_app():
    return app
"""


class Told:
    """An instance, and the lines that it sends."""

    def __init__(self, start: Start, lines: socket.socket, file: int) -> None:
        self.instance: Instance = start({"app.py": CODE}, FNGEN_LINES=str(file)).ready()
        self._lines = lines

    def next(self, logger: str = "fngen.access") -> dict[str, Any]:
        while True:
            record: dict[str, Any] = json.loads(self._lines.recv(1 << 18))
            if record.get("n") == logger:
                return record

    def of(self, path: str) -> tuple[int, str]:
        record = self.next()
        assert record["a"]["path"] == path
        return record["a"]["status"], record["l"]


@pytest.fixture
def told(start: Start) -> Iterator[Told]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(DEADLINE)
    with ours, theirs:
        yield Told(start, ours, theirs.fileno())


def test_an_id_of_the_applications_own_stays(told: Told) -> None:
    response = told.instance.get("/named")[0]
    assert response.headers.get_all("x-request-id") == ["own"]
    assert told.of("/named") == (200, "INFO")


@pytest.mark.parametrize("path", ["/nothing", "/cancelled"])
def test_who_answers_nothing_has_an_error_answered(told: Told, path: str) -> None:
    response, body = told.instance.get(path)
    assert (response.status, body) == (500, "Internal Server Error")
    assert response.headers["x-request-id"]
    assert told.next("uvicorn.error")["l"] == "ERROR"
    assert told.instance.get("/named")[0].status == 200


@pytest.mark.parametrize("path", ["/nothing", "/cancelled"])
def test_an_error_that_is_answered_is_told_as_such(told: Told, path: str) -> None:
    told.instance.get(path)
    assert told.of(path) == (500, "ERROR")


@pytest.mark.parametrize("path", ["/part", "/breaks"])
def test_half_an_answer_breaks_the_connection(told: Told, path: str) -> None:
    connection = told.instance.connect()
    connection.request("GET", path)
    with pytest.raises(http.client.IncompleteRead):
        connection.getresponse().read()
    assert told.of(path) == (200, "INFO")


def test_an_answer_to_who_has_gone_is_told_with_its_status(told: Told) -> None:
    connection = told.instance.connect()
    connection.request("GET", "/gone")
    assert connection.getresponse().status == 200
    connection.close()
    assert told.of("/gone") == (200, "INFO")


def test_a_process_that_is_killed_has_told_of_what_it_answered(told: Told) -> None:
    connection = told.instance.connect()
    connection.request("GET", "/killed")
    assert connection.getresponse().status == 200
    until(lambda: told.instance.process.poll() is not None, "the process is gone")
    assert told.of("/killed") == (200, "INFO")
