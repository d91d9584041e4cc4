"""A function that is served by several processes."""

from __future__ import annotations

import http.client
import os
import re
import signal
import time

import pytest
from conftest import Start
from harness import DEADLINE, Instance
from websockets.sync.client import connect

ASGI = """
import os, time
from contextlib import asynccontextmanager
from fastapi import FastAPI, WebSocket

print("imported", flush=True)

@asynccontextmanager
async def lifespan(app):
    print("started", flush=True)
    yield
    print("stopped", flush=True)

app = FastAPI(lifespan=lifespan)

@app.get("/")
def root():
    return os.getpid()

@app.get("/wait")
def wait():
    print("waits in", os.getpid(), flush=True)
    time.sleep(600)

@app.websocket("/echo")
async def echo(socket: WebSocket):
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text)

def live_app():
    return app
"""

WSGI = """
import os, time

print("imported", flush=True)

def app(environ, start_response):
    if environ["PATH_INFO"] == "/wait":
        print("waits in", os.getpid(), flush=True)
        time.sleep(600)
    start_response("200 OK", [])
    return [str(os.getpid()).encode()]

def live_app():
    return app
"""
KINDS = pytest.mark.parametrize("code", [ASGI, WSGI], ids=["ASGI", "WSGI"])


def eventually(condition: object, what: str, instance: Instance) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, f"never happened: {what}\n{instance.output}"
        assert instance.process.poll() is None, instance.output
        time.sleep(0.02)


def pids(instance: Instance, count: int = 2, but: int = 0) -> set[int]:
    """Ask over new connections, which are kept, until so many processes have answered."""
    seen: set[int] = set()
    kept = []

    def ask() -> bool:
        connection = instance.connect()
        connection.request("GET", "/")
        seen.add(int(connection.getresponse().read()))
        kept.append(connection)
        return len(seen - {but}) >= count

    eventually(ask, f"{count} processes answer", instance)
    for connection in kept:
        connection.close()
    return seen - {but}


@KINDS
def test_the_import_is_done_once_and_all_serve(start: Start, code: str) -> None:
    instance = start({"app.py": code}, FNGEN_PROCESSES="3").ready()
    assert len(pids(instance, 3)) == 3
    assert instance.get(Fngen_Check="1")[0].status == 200
    instance.terminate()
    assert instance.wait() == 0
    lines = instance.output.splitlines()
    assert lines.count("imported") == 1
    if code is ASGI:
        assert (lines.count("started"), lines.count("stopped")) == (3, 3)


@KINDS
@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("import threading; threading.Thread(target=time.sleep, args=[600], daemon=True, "
         "name='mine').start()", "it has started threads: MainThread, mine"),
        ("import socket; held = socket.socket()", "it has opened a connection"),
        ("import select; held = select.epoll()", "it has opened an event loop"),
        ("import asyncio; held = asyncio.get_event_loop_policy().get_event_loop()"
         ".create_task(asyncio.sleep(0))", "it has tasks in the event loop"),
    ],
    ids=["thread", "socket", "loop", "task"],
)  # fmt: skip
def test_each_imports_where_a_fork_is_not_safe(
    start: Start, code: str, more: str, why: str
) -> None:
    instance = start({"app.py": f"{code}\n{more}\n"}, FNGEN_PROCESSES="2").ready()
    assert len(pids(instance)) == 2
    said = f"app.py cannot be imported once for its 2 processes, so each imports it: {why}\n"
    assert said in instance.output
    instance.terminate()
    assert instance.wait() == 0
    assert instance.output.splitlines().count("imported") == 3


@KINDS
@pytest.mark.parametrize("more", ["", "\nimport socket; held = socket.socket()\n"])
def test_one_that_is_killed_is_replaced_while_the_others_serve(
    start: Start, code: str, more: str
) -> None:
    instance = start({"app.py": code + more}, FNGEN_PROCESSES="2").ready()
    both = pids(instance)
    waiting = instance.connect()
    waiting.request("GET", "/wait?q=1", headers={"X-Request-Id": "the-guilty-one"})
    eventually(lambda: "waits in" in instance.output, "the request is begun", instance)
    victim = int(re.findall(r"waits in (\d+)", instance.output)[0])
    assert victim in both
    os.kill(victim, signal.SIGKILL)
    with pytest.raises((OSError, http.client.HTTPException)):
        waiting.getresponse()
    assert len(pids(instance, but=victim)) == 2
    line = next(line for line in instance.output.splitlines() if "SIGKILL" in line)
    assert re.fullmatch(
        r"process [12] of 2 was ended by SIGKILL, in GET /wait \(request id the-guilty-one\); "
        "the others serve on and it is started again",
        line,
    )
    instance.terminate()
    assert instance.wait() == 0


@pytest.mark.parametrize(
    "code",
    [
        "raise ValueError('at import')\n",
        "async def app(scope, receive, send):\n"
        "    if scope['type'] == 'lifespan': raise ValueError('at start')\n"
        "async def app2(s, r, send):\n"
        "    await r()\n"
        "    await send({'type': 'lifespan.startup.failed', 'message': 'at start'})\n"
        "def live_app(): return app2\n",
    ],
)
def test_a_start_that_fails_is_told_once(start: Start, code: str) -> None:
    instance = start({"app.py": code}, FNGEN_PROCESSES="3")
    assert instance.process.wait(DEADLINE) == 1
    assert instance.output.count("fngen: app.py could not be") == 1
    assert instance.has_cause


DIES = """
import os, signal

async def app(scope, receive, send):
    os.kill(os.getpid(), signal.%s)

def live_app():
    return app
"""


@pytest.mark.parametrize("more", ["", "\nimport socket; held = socket.socket()\n"])
@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV"])
def test_what_kills_the_first_is_how_the_function_ends(start: Start, name: str, more: str) -> None:
    instance = start({"app.py": DIES % name + more}, FNGEN_PROCESSES="2")
    assert instance.process.wait(DEADLINE) == -signal.Signals[name]
    assert f"process 1 of 2 was ended by {name}\n" in instance.output


def test_websockets_and_a_second_signal(start: Start) -> None:
    instance = start({"app.py": ASGI}, FNGEN_PROCESSES="2").ready()
    pids(instance)
    for number in range(6):
        with connect(f"ws://127.0.0.1:{instance.port}/echo") as socket:
            socket.send(str(number))
            assert socket.recv() == str(number)
    waiting = instance.connect()
    waiting.request("GET", "/wait")
    instance.terminate()
    eventually(lambda: instance.get(Fngen_Check="1")[0].status == 503, "draining", instance)
    instance.terminate()
    assert instance.wait() == -signal.SIGTERM


def test_processes_end_with_their_supervisor(start: Start) -> None:
    instance = start({"app.py": WSGI}, FNGEN_PROCESSES="2").ready()
    both = pids(instance)
    instance.kill()
    end = time.monotonic() + DEADLINE
    while any(os.path.exists(f"/proc/{pid}") and not _is_zombie(pid) for pid in both):
        assert time.monotonic() < end, "they live on"
        time.sleep(0.05)


def _is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
