from __future__ import annotations

import json
import re
import socket

import pytest
from conftest import Start
from harness import ALLOCATION, DEADLINE, until
from websockets.sync.client import connect

CODE = """
import asyncio
from contextlib import asynccontextmanager
from fastapi import FastAPI, Request, WebSocket

@asynccontextmanager
async def lifespan(app):
    print("started")
    yield
    print("stopped")

app = FastAPI(lifespan=lifespan)

@app.get("/")
def root(request: Request):
    return request.headers["x-request-id"]

@app.get("/url")
def url(request: Request):
    return str(request.url_for("root")), request.client.host

@app.get("/wrong")
def wrong():
    raise ValueError("out of stock")

@app.websocket("/echo")
async def echo(socket: WebSocket):
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text)

def live_app():
    return app
"""


def test_a_request_id_is_taken_or_made(start: Start) -> None:
    instance = start({"app.py": CODE}).ready()
    response, body = instance.get(X_Request_Id="from-the.client_1")
    assert response.headers["x-request-id"] == "from-the.client_1"
    assert body == '"from-the.client_1"'
    for wrong in ("", "a b", "<script>", "x" * 129):
        response, body = instance.get(X_Request_Id=wrong)
        made = response.headers["x-request-id"]
        assert re.fullmatch("[0-9a-f]{32}", made)
        assert body == f'"{made}"'


WSGI = """
import json
from flask import Flask, request

app = Flask(__name__)

@app.get("/")
def root():
    text = {k: v for k, v in request.environ.items() if isinstance(v, str)}
    return json.dumps([text, request.remote_addr])

def live_app():
    return app
"""

ASGI = """
from fastapi import FastAPI, Request

app = FastAPI()

@app.get("/")
def root(request: Request):
    return [dict(request.headers), request.client.host]

def live_app():
    return app
"""


@pytest.mark.parametrize("code", [WSGI, ASGI])
def test_a_header_with_an_underscore_is_dropped(start: Start, code: str) -> None:
    instance = start({"app.py": code}).ready()
    connection = instance.connect()
    connection.putrequest("GET", "/")
    connection.putheader("X-Forwarded-For", "203.0.113.9")
    connection.putheader("X-Own", "kept")
    for name in ("X_Forwarded_For", "X_FORWARDED_HOST", "X_Real-Ip", "Remote_User", "x_own", "_"):
        connection.putheader(name, "forged")
    connection.endheaders()
    body = connection.getresponse().read().decode()
    assert "forged" not in body
    assert "kept" in body
    assert "203.0.113.9" in body


def test_a_probe_is_told_which_instance_answers(start: Start) -> None:
    instance = start({"app.py": CODE}).ready()
    headers = instance.get(Fngen_Probe="1")[0].headers
    assert (headers["fngen-release"], headers["fngen-allocation"]) == ("3", "5f0d0001")
    assert "fngen-release" not in instance.get()[0].headers


@pytest.mark.parametrize("code", [WSGI, ASGI])
def test_a_probe_of_the_platform_is_in_no_log(start: Start, code: str) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(DEADLINE)
    with ours, theirs:
        instance = start({"app.py": code}, FNGEN_LINES=str(theirs.fileno())).ready()
        headers = instance.get("/ours", Fngen_Probe=f"0000,{ALLOCATION}")[0].headers
        assert headers["fngen-allocation"] == ALLOCATION
        # Who has been told the beginning of the name does not know the name.
        instance.get("/stranger", Fngen_Probe="5f0d0001")
        told = json.loads(ours.recv(1 << 16))
        assert told["a"]["path"] == "/stranger"


ANSWERS = """
from fastapi import FastAPI, Response

app = FastAPI()

@app.get("/{status:int}")
def answer(status: int):
    headers = {"location": "http://192.0.2.1/"} if status // 100 == 3 else None
    return Response(None if status in (204, 304) else b"body", status, headers)

@app.get("/wrong")
def wrong():
    raise ValueError("out of stock")

def live_app():
    return app
"""


def test_a_check_without_a_path_is_well_below_500(start: Start) -> None:
    instance = start({"app.py": ANSWERS}).ready()
    assert instance.get()[0].status == 404
    assert instance.get(Fngen_Check="1")[0].status == 200
    for path, status in {"/404": 404, "/302": 302}.items():  # asked for by nobody's check
        assert instance.get(path, Fngen_Check="1")[0].status == status


@pytest.mark.parametrize("status", [200, 204, 301, 302, 304, 307, 400, 401, 404, 429, 500, 503])
def test_a_check_of_a_path_is_well_below_400(start: Start, status: int) -> None:
    instance = start({"app.py": ANSWERS}, FNGEN_HEALTH=f"/{status}").ready()
    for _ in range(2):
        assert instance.get(f"/{status}")[0].status == status
        response = instance.get(f"/{status}", Fngen_Check="1")[0]
        assert response.status == (200 if status < 400 else status)


def test_a_check_that_fails_says_so(start: Start) -> None:
    instance = start({"app.py": ANSWERS}, FNGEN_HEALTH="/wrong").ready()
    assert instance.get("/wrong", Fngen_Check="1")[0].status == 500


def test_what_comes_through_the_router_is_no_check(start: Start) -> None:
    instance = start({"app.py": ANSWERS}).ready()
    assert instance.get(Fngen_Check="1", X_Forwarded_For="192.0.2.7")[0].status == 404


def test_the_routers_word_on_scheme_and_client_is_believed(start: Start) -> None:
    instance = start({"app.py": CODE}).ready()
    headers = {"Host": "a.example", "X_Forwarded_Proto": "https", "X_Forwarded_For": "192.0.2.7"}
    assert instance.get("/url", **headers)[1] == '["https://a.example/","192.0.2.7"]'


def test_an_error_keeps_the_connection_and_shows_only_the_persons_frames(start: Start) -> None:
    instance = start({"app.py": CODE}).ready()
    connection = instance.connect()
    for _ in range(2):  # on one connection: http.client would have to reconnect
        connection.request("GET", "/wrong")
        assert connection.sock
        response = connection.getresponse()
        assert (response.status, response.read()) == (500, b"Internal Server Error")
        assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])
        assert connection.sock
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    assert instance.output.count("ValueError: out of stock") == 2
    assert "fngen/runtime" not in instance.output


def test_websockets(start: Start) -> None:
    instance = start({"app.py": CODE}).ready()
    with connect(f"ws://127.0.0.1:{instance.port}/echo") as socket:
        socket.send("hello")
        assert socket.recv() == "hello"
        assert socket.response
        assert re.fullmatch("[0-9a-f]{32}", socket.response.headers["x-request-id"])


def test_the_lifespan_is_run(start: Start) -> None:
    instance = start({"app.py": CODE}).ready()
    assert instance.output == "started\n"
    instance.terminate()
    assert instance.wait() == 0
    assert instance.output == "started\nstopped\n"


@pytest.mark.parametrize("config", ["{'version': 1}", "{'version': 1, 'root': {'level': 'ERROR'}}"])
def test_a_persons_logging_does_not_hide_errors(start: Start, config: str) -> None:
    code = CODE + f"\nimport logging.config; logging.config.dictConfig({config})\n"
    instance = start({"app.py": code}).ready()
    assert instance.get("/wrong")[0].status == 500
    until(lambda: "ValueError: out of stock" in instance.output, "the error in the output")
