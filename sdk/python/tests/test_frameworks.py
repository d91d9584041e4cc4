from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from conftest import Start
from harness import make_layer

# An app of each framework that says hello at "/".
APPS = {
    "fastapi": """
        from fastapi import FastAPI, Response
        app = FastAPI()
        app.get("/")(lambda: Response("hello"))
        """,
    "flask": """
        from flask import Flask
        app = Flask(__name__)
        app.get("/")(lambda: "hello")
        """,
    "django": """
        import django
        from django.conf import settings
        from django.core.asgi import get_asgi_application
        from django.http import HttpResponse
        from django.urls import path
        settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="test")
        urlpatterns = [path("", lambda request: HttpResponse("hello"))]
        app = get_asgi_application()
        """,
    "starlette": """
        from starlette.applications import Starlette
        from starlette.responses import PlainTextResponse
        from starlette.routing import Route
        app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("hello"))])
        """,
    "litestar": """
        from litestar import Litestar, get
        from litestar.enums import MediaType
        @get("/", media_type=MediaType.TEXT)
        async def index() -> str:
            return "hello"
        app = Litestar([index])
        """,
    "fasthtml": """
        from fasthtml.common import fast_app
        from starlette.responses import PlainTextResponse
        app, rt = fast_app()
        @rt("/")
        def get():
            return PlainTextResponse("hello")
        """,
    "quart": """
        from quart import Quart
        app = Quart(__name__)
        @app.get("/")
        async def index():
            return "hello"
        """,
    "falcon": """
        import falcon
        class Index:
            def on_get(self, req, resp):
                resp.text = "hello"
        app = falcon.App()
        app.add_route("/", Index())
        """,
    "bottle": """
        from bottle import Bottle
        app = Bottle()
        app.get("/")(lambda: "hello")
        """,
    "asgi": """
        async def app(scope, receive, send):
            assert scope["type"] == "http"
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"hello"})
        """,
    "wsgi": """
        def app(environ, start_response):
            start_response("200 OK", [("content-type", "text/plain")])
            return [b"hello"]
        """,
}
PACKAGES = (
    "a2wsgi",
    "bottle",
    "django",
    "falcon",
    "fastapi",
    "flask",
    "litestar",
    "python-fasthtml",
    "quart",
)
LIVE = "def live_app(): return app\n"


@pytest.fixture(scope="session")
def layer(pytestconfig: pytest.Config) -> Path:
    return make_layer(pytestconfig.cache.mkdir("fngen"), *PACKAGES)


def code(framework: str, more: str = "") -> str:
    return dedent(APPS[framework]) + dedent(more) + LIVE


@pytest.mark.parametrize("framework", APPS)
def test_each_framework_serves_under_its_name(start: Start, framework: str) -> None:
    instance = start({"app.py": code(framework)}, FNGEN_FRAMEWORK=framework).ready()
    response, body = instance.get()
    assert (response.status, body) == (200, "hello"), instance.output


@pytest.mark.parametrize(
    ("framework", "made_with", "got"),
    [
        ("flask", "fastapi", "a FastAPI app: write framework='fastapi', or return a Flask app"),
        ("fastapi", "flask", "a Flask app: write framework='flask', or return a FastAPI app"),
        ("flask", "quart", "a Quart app: write framework='quart', or return a Flask app"),
        ("django", "bottle", "a Bottle app: write framework='bottle', or return a Django app"),
        ("fastapi", "fasthtml", "a FastHTML app: write framework='fasthtml'"),
        ("flask", "starlette", "a Starlette app: write framework='starlette'"),
        ("starlette", "litestar", "a Litestar app: write framework='litestar'"),
        ("bottle", "falcon", "a Falcon app: write framework='falcon'"),
        ("falcon", "django", "a Django app: write framework='django'"),
        ("wsgi", "asgi", "an ASGI application: write framework='asgi', or return a WSGI"),
        ("asgi", "wsgi", "a WSGI application: write framework='wsgi', or return an ASGI"),
        ("asgi", "flask", "a Flask app: write framework='flask', or return an ASGI application"),
    ],
)
def test_another_framework_than_the_decorators_is_said(
    start: Start, framework: str, made_with: str, got: str
) -> None:
    instance = start({"app.py": code(made_with)}, FNGEN_FRAMEWORK=framework)
    assert instance.wait() == 1
    said = f"fngen: @webapp(framework='{framework}'), but live_app() returned {got}"
    assert said in instance.output


@pytest.mark.parametrize(
    ("framework", "made_with", "more"),
    [
        pytest.param("fastapi", "starlette", "", id="the base of FastAPI"),
        pytest.param("starlette", "fastapi", "", id="FastAPI is a Starlette app"),
        pytest.param("asgi", "litestar", "", id="any ASGI"),
        pytest.param("wsgi", "bottle", "", id="any WSGI"),
        pytest.param("", "bottle", "", id="a job that does not say"),
        pytest.param(
            "flask",
            "flask",
            """
            from werkzeug.middleware.proxy_fix import ProxyFix
            app = ProxyFix(app)
            """,
            id="a middleware around Flask",
        ),
        pytest.param(
            "flask",
            "flask",
            """
            from a2wsgi import WSGIMiddleware
            app = WSGIMiddleware(app)
            """,
            id="Flask as ASGI",
        ),
        pytest.param(
            "flask",
            "flask",
            """
            from a2wsgi import WSGIMiddleware
            from starlette.applications import Starlette
            from starlette.routing import Mount
            app = Starlette(routes=[Mount("/", WSGIMiddleware(app))])
            """,
            id="Flask mounted",
        ),
        pytest.param(
            "django",
            "django",
            """
            from flask import Flask
            from a2wsgi import ASGIMiddleware
            outer, outer.wsgi_app = Flask(__name__), ASGIMiddleware(app)
            app = outer
            """,
            id="wrapped inside",
        ),
        pytest.param(
            "fastapi",
            "fastapi",
            """
            inner = app
            class Wrapper:
                def __call__(self, scope, receive, send):
                    return inner(scope, receive, send)
            app = Wrapper()
            """,
            id="a wrapper of one's own",
        ),
        pytest.param(
            "wsgi",
            "wsgi",
            """
            inner = app
            app = lambda *args: inner(*args)
            """,
            id="arguments that say nothing",
        ),
    ],
)
def test_what_may_be_is_served(start: Start, framework: str, made_with: str, more: str) -> None:
    instance = start({"app.py": code(made_with, more)}, FNGEN_FRAMEWORK=framework).ready()
    response, body = instance.get()
    assert (response.status, body) == (200, "hello"), instance.output
