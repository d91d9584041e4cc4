"""The static files of Django: collected as a push does, and served."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Instance, make_layer

SITE = {
    "mysite/__init__.py": "",
    "mysite/app.py": """
        import os
        from django.core.asgi import get_asgi_application
        from fngen.powers import webapp

        os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"

        @webapp(framework="django")
        def live_app():
            return get_asgi_application()
    """,
    "mysite/settings.py": """
        import os
        from pathlib import Path

        DEBUG = False
        SECRET_KEY = "only for this test"
        ALLOWED_HOSTS = ["*"]
        ROOT_URLCONF = "mysite.urls"
        INSTALLED_APPS = ["django.contrib.staticfiles"]
        STATIC_URL = "static/"
        STATIC_ROOT = Path(__file__).parent / "nowhere"
        STATICFILES_DIRS = [Path(__file__).parent / "assets"]
        MIDDLEWARE = []
        STORAGES = {
            "staticfiles": {
                "BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
            }
        }
    """,
    "mysite/urls.py": """
        from django.http import HttpResponse
        from django.templatetags.static import static
        from django.urls import re_path

        urlpatterns = [re_path("^$", lambda request: HttpResponse(static("site.css")))]
    """,
    "mysite/assets/site.css": "body { background: url(logo.svg) }",
    "mysite/assets/logo.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
}


class Site:
    """A Django project on the disk, with what a node has of it."""

    def __init__(self, place: Path, runtime: Path, python: Path) -> None:
        self.tree, self.runtime, self.python = place / "tree", runtime, python
        self.node = place / "static"
        self.started: list[Instance] = []
        self.write(SITE)

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))

    def settings(self, old: str, new: str) -> None:
        path = self.tree / "mysite/settings.py"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def collect(
        self, key: str, module: str = "mysite.settings"
    ) -> subprocess.CompletedProcess[str]:
        (self.node / key).mkdir(parents=True)
        boot = self.runtime / "fngen/runtime/boot.py"
        return subprocess.run(
            [str(self.python), str(boot), "collect", module, str(self.node / key)],
            cwd=self.tree,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPYCACHEPREFIX": str(self.runtime.parent / "bytecode"),
                "FNGEN_RUNTIME": str(self.runtime),
                "FNGEN_FILE": "mysite/app.py",
            },
            capture_output=True,
            text=True,
        )

    def collected(self, key: str) -> dict[str, str]:
        """Collect, and return the manifest."""
        done = self.collect(key)
        assert done.returncode == 0, done.stderr
        manifest = json.loads((self.node / key / "staticfiles.json").read_text())
        return dict(manifest["paths"])

    def serve(self, key: str) -> Instance:
        instance = Instance(
            self.python,
            self.runtime,
            self.tree,
            "mysite/app.py",
            FNGEN_STATIC=str(self.node / key),
        )
        self.started.append(instance)
        return instance.ready()


@pytest.fixture
def site(tmp_path: Path, runtime: Path, pytestconfig: pytest.Config) -> Iterator[Site]:
    python = make_layer(pytestconfig.cache.mkdir("fngen"), "django", "whitenoise")
    site = Site(tmp_path, runtime, python)
    yield site
    for instance in site.started:
        instance.kill()


@pytest.mark.parametrize("gateway", ["asgi", "wsgi"])
def test_a_page_finds_its_files(site: Site, gateway: str) -> None:
    app = site.tree / "mysite/app.py"
    app.write_text(app.read_text().replace("asgi", gateway))
    names = site.collected("one")
    instance = site.serve("one")
    url = instance.get("/")[1]
    assert url == f"/static/{names['site.css']}" != "/static/site.css"

    response, body = instance.get(url)
    assert (response.status, body) == (200, f'body {{ background: url("{names["logo.svg"]}") }}')
    assert response.headers["content-type"] == 'text/css; charset="utf-8"'
    assert response.headers["cache-control"] == "max-age=315360000, public, immutable"
    assert response.headers["x-request-id"]
    response, _ = instance.get(f"/static/{names['logo.svg']}")
    assert response.headers["content-type"] == "image/svg+xml"

    response, _ = instance.get("/static/site.css")
    assert response.headers["cache-control"] == "max-age=60, public"
    assert instance.get("/static/missing.css")[0].status == 404
    assert not (site.tree / "mysite/nowhere").exists()


def test_requests_with_conditions(site: Site) -> None:
    site.collected("one")
    instance = site.serve("one")
    whole, body = instance.get("/static/site.css")
    tag = whole.headers["etag"]
    same, empty = instance.get("/static/site.css", If_None_Match=tag)
    assert (same.status, empty, same.headers["etag"]) == (304, "", tag)
    since = whole.headers["last-modified"]
    assert instance.get("/static/site.css", If_Modified_Since=since)[0].status == 304
    part, text = instance.get("/static/site.css", Range="bytes=5-9")
    assert (part.status, text) == (206, body[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{len(body)}"
    assert instance.get("/static/site.css", Range="bytes=900-")[0].status == 416
    stale, text = instance.get("/static/site.css", Range="bytes=5-9", If_Range='"other"')
    assert (stale.status, text) == (200, body)

    connection = instance.connect()
    connection.request("HEAD", "/static/site.css")
    head = connection.getresponse()
    assert (head.status, head.read()) == (200, b"")
    assert head.headers["content-length"] == str(len(body))
    connection.request("POST", "/static/site.css", body=b"x")
    refused = connection.getresponse()
    assert (refused.status, refused.read(), refused.headers["allow"]) == (405, b"", "GET, HEAD")


def test_files_of_other_releases(site: Site) -> None:
    """The hashed names of another release resolve, and nothing else of it."""
    old = site.collected("one")["site.css"]
    instance = site.serve("one")
    site.write({"mysite/assets/site.css": "body { color: red }"})
    new = site.collected("two")["site.css"]
    site.write({"mysite/assets/third.css": "i {}"})
    third = site.collected(".three.part")["third.css"]
    assert old != new
    for running in (instance, site.serve("two")):
        for name in (old, new):
            response, _ = running.get(f"/static/{name}")
            assert response.status == 200
            assert "immutable" in response.headers["cache-control"]
        assert running.get("/static/third.css")[0].status == 404
        assert running.get(f"/static/{third}")[0].status == 404, "it is not complete"


def test_nothing_but_the_files_is_served(site: Site) -> None:
    names = site.collected("one")
    (site.node / "one/.env").write_text("secret")
    (site.node / "one/.well").mkdir()
    (site.node / "one/.well/known.txt").write_text("secret")
    (site.node / "outside.0123456789ab.txt").write_text("secret")
    other = site.node / "two"
    (other / ".git").mkdir(parents=True)
    (other / ".git/x.0123456789ab.txt").write_text("secret")
    (other / "d.0123456789ab.txt").mkdir()
    instance = site.serve("one")
    for path in (
        "/static/.env",
        "/static/.well/known.txt",
        "/static/%2eenv",
        "/static/.git/x.0123456789ab.txt",
        "/static/../outside.0123456789ab.txt",
        "/static/%2e%2e/outside.0123456789ab.txt",
        "/static/..%2foutside.0123456789ab.txt",
        "/static/%252e%252e/outside.0123456789ab.txt",
        "/static/x/..%5c..%5coutside.0123456789ab.txt",
        f"/static/{site.node}/outside.0123456789ab.txt",
        "/static//etc/x.0123456789ab.txt",
        "/static/d.0123456789ab.txt",
        "/static/d.0123456789ab.txt/",
        f"/static/{names['site.css']}/x.0123456789ab.txt",
        "/static/%00.0123456789ab.txt",
        "/static/%ff.0123456789ab.txt",
        "/static/" + "a" * 300 + ".0123456789ab.txt",
        "/static/",
        "/static",
    ):
        with socket.create_connection(("127.0.0.1", instance.port), timeout=90) as raw:
            raw.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: raw.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 404"), (path, answer)
        assert b"secret" not in answer


def test_whitenoise_of_the_project_serves(site: Site) -> None:
    site.settings(
        "MIDDLEWARE = []",
        'MIDDLEWARE = ["whitenoise.middleware.WhiteNoiseMiddleware"]\nWHITENOISE_MAX_AGE = 7',
    )
    old = site.collected("one")["site.css"]
    site.write({"mysite/assets/site.css": "body { color: red }"})
    new = site.collected("two")["site.css"]
    instance = site.serve("two")
    response, body = instance.get("/static/site.css")
    assert (body, response.headers["cache-control"]) == ("body { color: red }", "max-age=7, public")
    assert instance.get(f"/static/{new}")[0].status == 200
    assert instance.get(f"/static/{old}")[0].status == 200


def test_without_static_root_nothing_happens(site: Site) -> None:
    site.settings('Path(__file__).parent / "nowhere"', "None")
    site.settings("ManifestStaticFilesStorage", "StaticFilesStorage")
    done = site.collect("one")
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing to collect" in done.stdout
    assert list((site.node / "one").iterdir()) == []
    instance = site.serve("one")
    assert instance.get("/")[1] == "/static/site.css"
    assert instance.get("/static/site.css")[0].status == 404


def test_settings_that_the_function_makes_importable(site: Site) -> None:
    site.write(
        {
            "mysite/app.py": """
                import os, sys
                sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))
            """,
            "mysite/lib/conf/__init__.py": "",
            "mysite/lib/conf/live.py": "from mysite.settings import *",
        }
    )
    done = site.collect("one", module="conf.live")
    assert done.returncode == 0, done.stderr
    assert (site.node / "one/site.css").exists()


def test_a_location_of_its_own_is_refused(site: Site) -> None:
    site.settings(
        'ManifestStaticFilesStorage"',
        'StaticFilesStorage", "OPTIONS": {"location": Path(__file__).parent / "mine"}',
    )
    done = site.collect("one")
    assert done.returncode == 1
    assert "has a location of its own, " in done.stderr
    assert not (site.tree / "mysite/mine").exists()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "mysite/assets/site.css",
            "body { background: url(gone.png) }",
            "fngen: collectstatic failed: ",
        ),
        ("mysite/settings.py", "import os; os.environ['KEY']", "KeyError: 'KEY'"),
        ("mysite/settings.py", "raise SystemExit('no')", "SystemExit: no"),
        ("mysite/settings.py", "STATIC_ROOT = '/tmp'", "SECRET_KEY"),
    ],
)
def test_failures(site: Site, name: str, text: str, said: str) -> None:
    if said == "SECRET_KEY":
        text += "\nINSTALLED_APPS = ['django.contrib.staticfiles', 'mysite.needs_key']"
        site.write({"mysite/needs_key.py": "from django.conf import settings; settings.SECRET_KEY"})
    site.write({name: text})
    done = site.collect("one")
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.splitlines()[-1].startswith("fngen: collectstatic failed: ")
