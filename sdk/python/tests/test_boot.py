from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Start

# An application that answers with what it saw when it was imported.
SEES = """
import json, os, sys
from fngen.powers import webapp
{imports}

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = json.dumps({expression}).encode()
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body", "body": body}})

@webapp(framework="fastapi")
def live_app():
    return app

if __name__ == "__main__":
    raise SystemExit("ran as a script")
"""


def sees(expression: str, imports: str = "") -> str:
    return SEES.format(expression=expression, imports=imports)


def test_the_tree_is_first_and_the_runtime_last(
    start: Start, runtime: Path, tmp_path: Path
) -> None:
    instance = start({"app.py": sees("[os.getcwd(), *sys.path, __name__]")}).ready()
    cwd, *path, name = json.loads(instance.get()[1])
    assert cwd == path[0] == str(tmp_path / "tree")
    assert path[-1] == str(runtime)
    assert not any(entry.endswith("fngen/runtime") for entry in path)
    assert name == "app"


def test_files_of_the_tree_do_not_shadow_ours(start: Start) -> None:
    wreck = "raise RuntimeError('the wrong module')"
    files = dict.fromkeys(("fngen.py", "uvicorn.py", "h11.py", "load.py", "main.py"), wreck)
    instance = start({"app.py": sees("'served'"), **files}).ready()
    assert instance.get()[1] == '"served"'


SERVER = ("h11", "httptools", "uvicorn", "websockets")


@pytest.mark.parametrize("pinned", [True, False])
def test_a_persons_pin_wins_and_else_ours_is_there(
    start: Start, runtime: Path, tmp_path: Path, pinned: bool
) -> None:
    pins = tmp_path / "pins"
    for package in SERVER if pinned else ():
        (pins / package).mkdir(parents=True)
        (pins / package / "__init__.py").touch()
    files = ", ".join(f"{package}.__file__" for package in SERVER)
    code = sees(f"[{files}]", f"import {', '.join(SERVER)}")
    instance = start({"app.py": code}, PYTHONPATH=str(pins)).ready()
    wanted = pins if pinned else runtime
    assert json.loads(instance.get()[1]) == [str(wanted / name / "__init__.py") for name in SERVER]


def test_fngen_is_always_the_platforms(start: Start, runtime: Path, tmp_path: Path) -> None:
    package = tmp_path / "pins" / "fngen"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("__version__ = '0.9.20'")
    code = sees("[fngen.__file__, fngen.powers.__file__]", "import fngen")
    instance = start({"app.py": code}, PYTHONPATH=str(package.parent)).ready()
    ours = runtime / "fngen"
    assert json.loads(instance.get()[1]) == [str(ours / "__init__.py"), str(ours / "powers.py")]


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"myproject/asgi.py": "", "myproject/__init__.py": ""}, "myproject.asgi"),
        ({"service/web/app.py": ""}, "service.web.app"),
        ({"package/__init__.py": ""}, "package"),
        ({"src/shop/web.py": "", "src/shop/__init__.py": ""}, "shop.web"),
        ({"src/web.py": "", "web.py": "raise RuntimeError"}, "web"),
        ({"src/web.py": "", "src/__init__.py": ""}, "src.web"),
        ({"my-site.py": ""}, "my-site"),
        ({"my.site.py": ""}, "my.site"),
        ({"queue.py": ""}, "queue_py"),
        ({"test/app.py": ""}, "test.app"),
    ],
)
def test_a_file_is_imported_by_its_dotted_name(
    start: Start, files: dict[str, str], name: str
) -> None:
    first = next(iter(files))
    code = sees("[__name__, sys.modules[__name__].__file__]")
    instance = start({**files, first: code}).ready()
    seen, file = json.loads(instance.get()[1])
    assert seen == name
    assert file.endswith(first)


def test_siblings_are_imported_as_when_run_locally(start: Start) -> None:
    files = {
        "src/shop/web.py": sees("[one, two]", "from .names import one; from shop.names import two"),
        "src/shop/__init__.py": "",
        "src/shop/names.py": "one, two = 1, 2",
    }
    assert start(files).ready().get()[1] == "[1, 2]"


def test_processes_that_the_app_spawns_do_not_serve(start: Start) -> None:
    imports = "import multiprocessing, names"
    expression = "multiprocessing.get_context('spawn').Pool(1).map(names.double, [2])"
    files = {
        "app.py": sees(expression, imports),
        "names.py": "def double(x): return 2 * x",
    }
    assert start(files).ready().get()[1] == "[4]"
