from __future__ import annotations

import http.client
import signal
import threading
import time

import pytest
from conftest import Start
from harness import Instance, until

CODE = """
import asyncio
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()

@app.get("/")
async def root():
    return "hello"

@app.get("/stream")
async def stream(count: int):
    async def parts():
        for number in range(count):
            yield f"{number}\\n"
            await asyncio.sleep(0.1)
    return StreamingResponse(parts())

def live_app():
    return app
"""


# An instance listens on though its clients are quiet for seconds, as on a busy machine.
PATIENT = {"FNGEN_QUIET_SECONDS": "5", "FNGEN_DRAIN_SECONDS": "60"}


class Client(threading.Thread):
    """Sends requests on a kept connection, as a router does: the next one, after
    the instance said close, goes to another instance."""

    def __init__(self, first: Instance, then: Instance) -> None:
        super().__init__(daemon=True)
        self.first, self.then = first, then
        self.served = self.moved = 0
        self.failed: list[str] = []
        self.stop = threading.Event()

    def run(self) -> None:
        instance = self.first
        connection = instance.connect()
        while not self.stop.is_set():
            try:
                connection.request("GET", "/")
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
                return
            if response.status != 200:
                self.failed.append(str(response.status))
            self.served += 1
            if response.headers["connection"] == "close":
                connection = self.then.connect()
                self.moved += 1


def test_no_request_fails_while_an_instance_drains(start: Start) -> None:
    old, new = start({"app.py": CODE}, **PATIENT).ready(), start({"app.py": CODE}).ready()
    clients = [Client(old, new) for _ in range(8)]
    for client in clients:
        client.start()
    until(lambda: all(client.served > 20 for client in clients), "traffic")
    old.terminate()
    assert old.wait() == 0
    served = [client.served for client in clients]
    until(lambda: all(c.served > n + 20 for c, n in zip(clients, served)), "traffic on the new one")
    for client in clients:
        client.stop.set()
        client.join()
    assert [client.failed for client in clients] == [[]] * 8
    assert [client.moved for client in clients] == [1] * 8


def test_draining_fails_health_checks_and_serves_everything_else(start: Start) -> None:
    instance = start({"app.py": CODE}, **PATIENT).ready()
    assert instance.get(Fngen_Check="1")[0].status == 200
    instance.terminate()
    until(lambda: instance.get(Fngen_Check="1")[0].status == 503, "draining")
    end = time.monotonic() + 1
    while time.monotonic() < end:  # as long as new connections come
        response, body = instance.get()
        assert (response.status, body) == (200, '"hello"')
        assert response.headers["connection"] == "close"
    assert instance.wait() == 0


def test_a_long_stream_is_finished(start: Start) -> None:
    instance = start({"app.py": CODE}).ready()
    connection = instance.connect()
    connection.request("GET", "/stream?count=30")
    response = connection.getresponse()
    assert response.readline() == b"0\n"
    instance.terminate()
    assert response.read().split() == [str(n).encode() for n in range(1, 30)]
    assert instance.wait() == 0
    assert instance.output == ""


def test_what_outlasts_the_drain_is_cut_off_and_said(start: Start) -> None:
    instance = start({"app.py": CODE}, FNGEN_DRAIN_SECONDS="1").ready()
    connection = instance.connect()
    connection.request("GET", "/stream?count=1000")
    assert connection.getresponse().readline() == b"0\n"
    instance.terminate()
    assert instance.wait() == 0
    assert instance.output == "Cancel 1 running task(s), timeout graceful shutdown exceeded\n"


@pytest.mark.parametrize(
    "code",
    [
        "def wait(): time.sleep(60)\napp = FastAPI(); app.get('/wait')(wait)",
        "def app(environ, start_response): time.sleep(60)",
    ],
)
def test_a_thread_that_never_ends_does_not_hold_the_instance(start: Start, code: str) -> None:
    code = f"import time\nfrom fastapi import FastAPI\n{code}\ndef live_app(): return app"
    instance = start({"app.py": code}, FNGEN_DRAIN_SECONDS="1").ready()
    connection = instance.connect()
    connection.request("GET", "/wait")
    instance.terminate()
    assert instance.wait() == 0


def test_a_second_signal_stops_at_once(start: Start) -> None:
    instance = start({"app.py": CODE}, **PATIENT).ready()
    connection = instance.connect()
    connection.request("GET", "/stream?count=1000")
    assert connection.getresponse().readline() == b"0\n"
    instance.terminate()
    until(lambda: instance.get(Fngen_Check="1")[0].status == 503, "draining")
    instance.terminate()
    assert instance.wait() == -signal.SIGTERM
