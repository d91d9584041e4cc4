from __future__ import annotations

import pytest
from conftest import Start

ASGI = """
async def asgi(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})
"""
WSGI = """
def wsgi(environ, start_response):
    start_response("200 OK", [("content-type", "text/plain")])
    return [b"hello"]
"""
FLASK = """
from flask import Flask
app = Flask(__name__)
app.add_url_rule("/", view_func=lambda: "hello")
"""
FASTAPI = """
from fastapi import FastAPI, Response
app = FastAPI()
app.get("/")(lambda: Response("hello"))
"""


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(ASGI + "def live_app(): return asgi", id="ASGI function"),
        pytest.param(ASGI + "async def live_app(): return asgi", id="async function"),
        pytest.param(
            ASGI + "def live_app(): return lambda scope, receive, send: asgi(scope, receive, send)",
            id="ASGI without async",
        ),
        pytest.param(FASTAPI + "def live_app(): return app", id="FastAPI"),
        pytest.param(
            "def live_app():" + FASTAPI.replace("\n", "\n    ") + "return app", id="FastAPI inside"
        ),
        pytest.param(WSGI + "def live_app(): return wsgi", id="WSGI function"),
        pytest.param(FLASK + "def live_app(): return app", id="Flask"),
    ],
)
def test_kinds_of_application(start: Start, code: str) -> None:
    response, body = start({"app.py": code}).ready().get()
    assert (response.status, body) == (200, "hello")


def test_the_loop_of_an_async_function_is_the_one_that_serves(start: Start) -> None:
    code = """
    import asyncio

    async def live_app():
        made_in = asyncio.get_running_loop()

        async def app(scope, receive, send):
            same = asyncio.get_running_loop() is made_in
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": str(same).encode()})

        return app
    """
    assert start({"app.py": code}).ready().get()[1] == "True"


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("def live_app(): return {}", "a dict, not an ASGI or WSGI application"),
        ("def live_app(): pass", "None: it must return the app"),
        (
            "def make(): pass\ndef live_app(): return make",
            "the function make, not an ASGI or WSGI application; did you mean to call it?",
        ),
        (
            "class App: pass\ndef live_app(): return App",
            "the class App, not an ASGI or WSGI application",
        ),
    ],
)
def test_anything_else_is_refused(start: Start, code: str, what: str) -> None:
    instance = start({"app.py": code})
    assert instance.wait() == 1
    assert instance.output == f"fngen: live_app() returned {what}\n"
