from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Start

CASES = {
    "missing module": (
        "import nowhere\n",
        """\
Traceback (most recent call last):
  File "TREE/my_website.py", line 1, in <module>
    import nowhere
ModuleNotFoundError: No module named 'nowhere'
fngen: my_website.py could not be imported: ModuleNotFoundError: No module named 'nowhere'
""",
    ),
    "syntax error": (
        "def live_app(:\n",
        """\
  File "TREE/my_website.py", line 1
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
  File "TREE/my_website.py", line 2, in <module>
    sys.exit('no database')
SystemExit: no database
fngen: my_website.py could not be imported: it exits, SystemExit: no database
""",
    ),
    "raises when called": (
        "def live_app():\n    raise ValueError('no\\nkey')\n",
        """\
Traceback (most recent call last):
  File "TREE/my_website.py", line 2, in live_app
    raise ValueError('no\\nkey')
ValueError: no
key
fngen: live_app() of my_website.py failed: ValueError: no key
""",
    ),
    "no such function": (
        "def other(): pass\n",
        "fngen: my_website.py has no function 'live_app' once it is imported\n",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_served_is_explained(start: Start, tmp_path: Path, case: str) -> None:
    code, expected = CASES[case]
    instance = start({"my_website.py": code})
    assert instance.wait() == 1
    output = instance.output.replace(str(tmp_path / "tree"), "TREE")
    # Newer versions of Python underline the place in more cases.
    output = re.sub(r"^ *[~^]+\n", "", output, flags=re.M)
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
        "fngen: app.py could not be served: its lifespan failed to start\n"
    )


def test_a_port_in_use_is_said(start: Start) -> None:
    code = "def live_app():\n    async def app(scope, receive, send): ...\n    return app"
    first = start({"app.py": code}).ready()
    second = start({"app.py": code}, FNGEN_PORT=str(first.port))
    assert second.wait() == 1
    assert "address already in use" in second.output
    assert f"could not be served: cannot listen on 127.0.0.1:{first.port}\n" in second.output


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
