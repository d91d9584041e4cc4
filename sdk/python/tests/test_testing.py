from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import fastapi
import flask
import pytest

from fngen.powers import webapp
from fngen.testing import bind, client

DOCS = Path(__file__).parents[3] / "docs" / "testing.md"


def test_document_runs(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n# (\S+)\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert [name for name, _ in blocks] == ["my_website.py", "test_my_website.py", "test_orders.py"]
    for name, text in blocks:
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_lifespan_begins_before_and_ends_after() -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def lifespan(_: fastapi.FastAPI) -> AsyncIterator[dict[str, str]]:
        seen.append("up")
        yield {"colour": "red"}
        seen.append("down")

    app = fastapi.FastAPI(lifespan=lifespan)

    @app.get("/")
    def index(request: fastapi.Request) -> str:
        seen.append("asked")
        return str(request.state.colour)

    with client(app) as web:
        assert web.get("/").json() == "red"
        assert web.get("/").json() == "red"
    assert seen == ["up", "asked", "asked", "down"]


def test_lifespan_that_fails_is_raised() -> None:
    @asynccontextmanager
    async def lifespan(_: fastapi.FastAPI) -> AsyncIterator[None]:
        raise ValueError("no database")
        yield

    with (
        pytest.raises(RuntimeError, match="no database"),
        client(fastapi.FastAPI(lifespan=lifespan)),
    ):
        pass


def test_an_app_without_lifespan() -> None:
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        body = (await receive())["body"]
        await send({"type": "http.response.start", "status": 201, "headers": [(b"x-a", b"1")]})
        await send({"type": "http.response.body", "body": scope["query_string"], "more_body": True})
        await send({"type": "http.response.body", "body": b" " + body})
        assert (await receive())["type"] == "http.disconnect"

    with client(app) as web:
        answer = web.post("/?q=%20", b"sent")
    assert (answer.status, answer.header("X-A"), answer.text) == (201, "1", "q=%20 sent")


def test_wsgi_by_a_marked_function() -> None:
    app = flask.Flask(__name__)

    @app.post("/käse")
    def cheese() -> Any:
        return {"got": flask.request.json, "host": flask.request.host}

    @webapp(framework="flask")
    def live_app() -> flask.Flask:
        return app

    with client(live_app) as web:
        answer = web.post("/k%C3%A4se", json=[1], headers={"Host": "shop.example"})
        assert answer.json() == {"got": [1], "host": "shop.example"}
        assert web.get("/nothing").status == 404


def test_an_async_function_may_return_the_app() -> None:
    @webapp(framework="fastapi")
    async def live_app() -> fastapi.FastAPI:
        return fastapi.FastAPI()

    assert client(live_app).get("/openapi.json").status == 200


def test_what_the_app_raises_is_raised() -> None:
    def wsgi(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise ZeroDivisionError

    async def asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
        raise ZeroDivisionError

    for app in (wsgi, asgi):
        with client(app) as web, pytest.raises(ZeroDivisionError):
            web.get("/")


def test_an_app_that_does_not_answer() -> None:
    async def asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200})

    def wsgi(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        return []

    for app in (asgi, wsgi):
        with client(app) as web, pytest.raises(AssertionError, match="did not answer"):
            web.get("/")


@pytest.mark.parametrize("app", [None, 7, flask.Flask, lambda: None])
def test_what_is_no_app(app: object) -> None:
    with pytest.raises(TypeError, match="is not an ASGI or WSGI application"):
        client(app)


def test_bind_makes_arguments_or_tells_what_is_wrong() -> None:
    def order(order_id: int, items: list[str], express: bool = False) -> tuple[Any, ...]:
        return order_id, items, express

    fits = bind(order, {"order_id": "42", "items": ["tea"]})
    assert fits.errors == []
    assert fits.run() == (42, ["tea"], False)
    wrong = bind(order, {"order_id": "x", "items": [1], "expres": True})
    assert [error["loc"] for error in wrong.errors] == [["order_id"], ["items", 0], ["expres"]]
    with pytest.raises(ValueError, match="does not fit"):
        wrong.run()
    with pytest.raises(TypeError):
        bind(order, object())


def test_bind_runs_async_functions() -> None:
    async def double(n: int) -> int:
        return 2 * n

    assert bind(double, 21).run() == 42


def test_the_module_needs_nothing() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import fngen.testing"
    src = str(Path(__file__).parents[1] / "src")
    subprocess.run([sys.executable, "-I", "-S", "-c", code, src], check=True)
