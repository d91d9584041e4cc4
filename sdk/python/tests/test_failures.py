from __future__ import annotations

import re

import pytest
from conftest import Start
from harness import until

CASES = {
    "missing module": (
        "import nowhere\n",
        """\
Traceback (most recent call last):
  File "my_website.py", line 1, in <module>
    import nowhere
ModuleNotFoundError: No module named 'nowhere'
fngen: my_website.py could not be imported: ModuleNotFoundError: No module named 'nowhere'
""",
    ),
    "syntax error": (
        "def live_app(:\n",
        """\
  File "my_website.py", line 1
    def live_app(:
                 ^
SyntaxError: invalid syntax
fngen: my_website.py could not be imported: SyntaxError: invalid syntax (my_website.py, line 1)
""",
    ),
    "exits": (
        "import sys\nsys.exit('no database')\n",
        """\
Traceback (most recent call last):
  File "my_website.py", line 2, in <module>
    sys.exit('no database')
SystemExit: no database
fngen: my_website.py could not be imported: it exits, SystemExit: no database
""",
    ),
    "raises when called": (
        "def live_app():\n    raise ValueError('no\\nkey')\n",
        """\
Traceback (most recent call last):
  File "my_website.py", line 2, in live_app
    raise ValueError('no\\nkey')
ValueError: no
key
fngen: live_app() of my_website.py failed: ValueError: no key
""",
    ),
    "of an installed package": (
        "import json\ndef live_app():\n    return json.loads('{')\n",
        """\
Traceback (most recent call last):
  File "my_website.py", line 3, in live_app
    return json.loads('{')
  ... 2 frames of Python
  File "json/decoder.py", line N, in raw_decode
    obj, end = self.scan_once(s, idx)
json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: \
line 1 column 2 (char 1)
fngen: live_app() of my_website.py failed: json.decoder.JSONDecodeError: Expecting property name \
enclosed in double quotes: line 1 column 2 (char 1)
""",
    ),
    "returns nothing": (
        "def live_app():\n    pass\n",
        "fngen: live_app() returned None: it must return the app\n",
    ),
    "no such function": (
        "def other(): pass\n",
        "fngen: my_website.py has no function 'live_app' once it is imported\n",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_served_is_explained(start: Start, case: str) -> None:
    code, expected = CASES[case]
    instance = start({"my_website.py": code})
    assert instance.wait() == 1
    # Newer versions of Python underline the place in more cases.
    output = re.sub(r"^ *[~^]+\n", "", instance.output, flags=re.M)
    output = re.sub(r'(decoder.py", line )\d+', r"\1N", output)
    assert output == re.sub(r"^ *\^+\n", "", expected, flags=re.M)


def test_an_error_in_a_package_is_not_taken_for_a_missing_file(start: Start) -> None:
    instance = start({"shop/web.py": "", "shop/__init__.py": "import shop.nothing\n"})
    assert instance.wait() == 1
    assert instance.output.endswith(
        "fngen: shop/web.py could not be imported: "
        "ModuleNotFoundError: No module named 'shop.nothing'\n"
    )


def test_a_failed_startup_exits(start: Start) -> None:
    code = """
    from contextlib import asynccontextmanager
    from fastapi import FastAPI

    @asynccontextmanager
    async def lifespan(app):
        raise RuntimeError("no database")
        yield

    def live_app():
        return FastAPI(lifespan=lifespan)
    """
    instance = start({"app.py": code})
    assert instance.wait() == 1
    assert "RuntimeError: no database" in instance.output
    assert instance.output.endswith(
        "fngen: app.py could not be served: its lifespan failed to start: "
        "RuntimeError: no database\n"
    )
    assert instance.output.count("RuntimeError: no database") == 2
    record = instance.cause
    assert (record["kind"], record["message"]) == ("lifespan", "RuntimeError: no database")
    assert (record["frames"][-1]["file"], record["frames"][-1]["line"]) == ("app.py", 7)


RECORDS = {
    "missing module": (
        {"app.py": "import views\n", "views.py": "\nimport nowhere.far\n"},
        {"kind": "import", "message": "No module named 'nowhere'", "module": "nowhere"},
        ("views.py", 2),
    ),
    "variable": (
        {"app.py": "import os\nKEY = os.environ['SECRET_KEY']\n"},
        {"kind": "import", "message": "KeyError: 'SECRET_KEY'", "variable": "SECRET_KEY"},
        ("app.py", 2),
    ),
    "syntax": (
        {"app.py": "import bad\n", "bad.py": "\ndef f(:\n"},
        {"kind": "import", "message": "SyntaxError: invalid syntax"},
        ("bad.py", 2),
    ),
    "call": (
        {"app.py": "def live_app():\n    import shop.nothing\n", "shop/__init__.py": ""},
        {"kind": "call", "module": "shop.nothing", "type": "ModuleNotFoundError"},
        ("app.py", 2),
    ),
    "exits": (
        {"app.py": "def live_app():\n    raise SystemExit('no database')\n"},
        {"kind": "call", "message": "SystemExit: no database"},
        ("app.py", 2),
    ),
    "result": (
        {"app.py": "def live_app(): return {}\n"},
        {"kind": "result"},
        None,
    ),
}


@pytest.mark.parametrize("case", RECORDS)
def test_the_cause_is_kept_for_the_control_plane(start: Start, case: str) -> None:
    files, expected, place = RECORDS[case]
    instance = start(files)
    assert instance.wait() == 1
    record = instance.cause
    assert {key: record.get(key) for key in expected} == expected
    if place is not None:
        assert (record["frames"][-1]["file"], record["frames"][-1]["line"]) == place


def test_what_led_to_an_error_is_kept(start: Start) -> None:
    code = """
    def live_app():
        try:
            {}["gone"]
        except KeyError as error:
            raise RuntimeError("no settings") from error
    """
    instance = start({"app.py": code})
    assert instance.wait() == 1
    assert instance.cause["message"] == "RuntimeError: no settings"
    assert [led["message"] for led in instance.cause["causes"]] == ["KeyError: 'gone'"]


FAILING = {
    "fastapi": "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\n",
    "flask": "from flask import Flask\napp = Flask(__name__)\n@app.get('/')\n",
}


@pytest.mark.parametrize("framework", FAILING)
def test_what_a_health_check_fails_with_is_kept(start: Start, framework: str) -> None:
    code = FAILING[framework] + "def index():\n    return 1 / 0\ndef live_app(): return app\n"
    instance = start({"app.py": code}).ready()
    response, _ = instance.get("/")
    assert response.status == 500
    assert not instance.has_cause  # a person's request is none of the platform's business
    seen = set()
    for _ in range(2):
        response, _ = instance.get("/", Fngen_Check="1")
        assert response.status == 500
        until(lambda: instance.has_cause, "the cause is written")
        seen.add(instance.cause["id"])
    assert len(seen) == 1
    record = instance.cause
    assert (record["kind"], record["message"]) == ("request", "ZeroDivisionError: division by zero")
    assert (record["frames"][-1]["file"], record["frames"][-1]["line"]) == ("app.py", 5)


def test_where_a_slow_start_waits_is_kept(start: Start) -> None:
    code = "import time\ndef live_app():\n    time.sleep(60)\n"
    instance = start({"app.py": code}, FNGEN_WATCH_SECONDS="0.2")
    until(lambda: instance.has_cause, "the cause is written")
    record = instance.cause
    assert record["kind"] == "waiting"
    assert (record["frames"][-1]["file"], record["frames"][-1]["line"]) == ("app.py", 3)


def test_where_a_slow_lifespan_waits_is_kept(start: Start) -> None:
    code = """
    import asyncio
    from contextlib import asynccontextmanager
    from fastapi import FastAPI

    async def connect():
        await asyncio.sleep(60)

    @asynccontextmanager
    async def lifespan(app):
        await connect()
        yield

    def live_app():
        return FastAPI(lifespan=lifespan)
    """
    instance = start({"app.py": code}, FNGEN_WATCH_SECONDS="0.2")
    until(
        lambda: instance.has_cause and [f["line"] for f in instance.cause["frames"]][-1:] == [7],
        "the line that waits is written",
    )


def test_a_port_in_use_is_said(start: Start) -> None:
    code = "def live_app():\n    async def app(scope, receive, send): ...\n    return app"
    first = start({"app.py": code}).ready()
    second = start({"app.py": code}, FNGEN_PORT=str(first.port))
    assert second.wait() == 1
    said = f"cannot listen on 127.0.0.1:{first.port}: address already in use\n"
    assert f"could not be served: {said}" in second.output


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"FNGEN_FILE": ""}, "FNGEN_FILE is not set"),
        ({"FNGEN_FILE": "gone.py"}, "gone.py is not in the tree"),
        ({"FNGEN_PORT": "http"}, "FNGEN_PORT is not a number: 'http'"),
        ({"FNGEN_POWER": "web_form"}, "this runtime serves the Power webapp, not 'web_form'"),
    ],
)
def test_a_wrong_setting_is_named(start: Start, env: dict[str, str], message: str) -> None:
    instance = start({"app.py": ""}, **env)
    assert instance.wait() == 1
    assert message in instance.output
