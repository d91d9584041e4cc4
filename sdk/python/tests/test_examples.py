"""The examples run as they are, on what their requirements ask for."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest
from harness import SDK, Instance, make_layer

EXAMPLES = SDK.parent.parent / "examples"
Run = Callable[..., Instance]


def layer_of(example: str, pytestconfig: pytest.Config) -> Path:
    pins = EXAMPLES / example / "requirements.txt"
    lock = EXAMPLES / example / "poetry.lock"
    if lock.exists():
        wanted = re.findall(
            r'^name = "(.+)"\nversion = .+\n(?:.+\n)*?groups = \["main"\]', lock.read_text(), re.M
        )
    elif pins.exists():
        wanted = pins.read_text().split()
    else:
        wanted = ["fastapi"]
    return make_layer(pytestconfig.cache.mkdir("fngen"), *wanted)


@pytest.fixture
def run(tmp_path: Path, runtime: Path, pytestconfig: pytest.Config) -> Iterator[Run]:
    started: list[Instance] = []

    def run(example: str, file: str, function: str) -> Instance:
        tree = tmp_path / "tree"
        shutil.copytree(EXAMPLES / example, tree, ignore=shutil.ignore_patterns("__pycache__"))
        layer = layer_of(example, pytestconfig)
        started.append(Instance(layer, runtime, tree, file, FNGEN_FUNCTION=function))
        return started[-1].ready()

    yield run
    for instance in started:
        instance.kill()
        instance.wait()


WEB_APPS = {
    "django": ("mysite/asgi.py", "site", {"/": "Rendered at", "/hello/you": '{"hello": "you"}'}),
    "flask": ("app.py", "guestbook", {"/": "Nobody has signed yet.", "/healthz": '{"ok":true}'}),
    "hello": ("app.py", "live_app", {"/": "Hello from fngen", "/ping": '{"ping":"pong"}'}),
    "package": (
        "bookshelf/main.py",
        "bookshelf",
        {"/books": "Middlemarch", "/books/2": '"number":2'},
    ),
    "poetry": ("app.py", "slugs", {"/?title=A+b": '{"slug":"a-b","title":"A b"}'}),
    "single": ("my_website.py", "live_app", {"/": "FastAPI on fngen"}),
    "tasks": ("shop.py", "shop", {"/": '"tea":"4.50"'}),
}


def test_every_example_is_here() -> None:
    assert sorted(WEB_APPS) == sorted(p.name for p in EXAMPLES.iterdir() if p.is_dir())


@pytest.mark.parametrize("example", WEB_APPS)
def test_the_web_app_of_an_example_answers(run: Run, example: str) -> None:
    file, function, pages = WEB_APPS[example]
    instance = run(example, file, function)
    for path, text in pages.items():
        response, body = instance.get(path)
        assert (response.status, text in body) == (200, True), body


def test_a_guest_book_is_signed(run: Run) -> None:
    instance = run("flask", "app.py", "guestbook")
    connection = instance.connect()
    form = {"content-type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/", body="text=Hello+%3Cyou%3E", headers=form)
    assert connection.getresponse().status == 303
    assert "<li>Hello &lt;you&gt;</li>" in instance.get("/")[1]


def test_a_basket_costs_what_its_items_cost(run: Run) -> None:
    connection = run("tasks", "shop.py", "shop").connect()
    json = {"content-type": "application/json"}
    connection.request("POST", "/quote", body='{"tea": 2, "cup": 1}', headers=json)
    assert connection.getresponse().read() == b'{"total":"18.00"}'


def test_tasks_are_functions_that_can_be_called(runtime: Path, pytestconfig: pytest.Config) -> None:
    code = """
import asyncio, decimal, sys
sys.path.append(sys.argv[1])
from orders import Item
import tasks
tea = Item("tea", decimal.Decimal("4.50"), 2)
assert tasks.send_receipt(7, "a@example.com", [tea]).endswith("Total: 9.00")
assert asyncio.run(tasks.notify_warehouse(7, delay=0)) is None
assert tasks.close_the_books(2026, 11)["month"] == 11
assert tasks.close_the_books.__fngen__.options["timeout"] == "1h"
"""
    python = layer_of("tasks", pytestconfig)
    subprocess.run([python, "-Bc", code, runtime], cwd=EXAMPLES / "tasks", check=True, timeout=90)
