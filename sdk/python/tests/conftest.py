from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest
from harness import Instance, make_layer, make_runtime

Start = Callable[..., Instance]


@pytest.fixture(scope="session")
def runtime(pytestconfig: pytest.Config) -> Path:
    return make_runtime(pytestconfig.cache.mkdir("fngen"))


@pytest.fixture(scope="session")
def layer(pytestconfig: pytest.Config) -> Path:
    return make_layer(pytestconfig.cache.mkdir("fngen"), "fastapi", "flask")


@pytest.fixture(scope="session")
def libraries(pytestconfig: pytest.Config) -> Path:
    return make_layer(pytestconfig.cache.mkdir("fngen"), "pydantic", "attrs", "msgspec")


@pytest.fixture
def start(tmp_path: Path, runtime: Path, layer: Path) -> Iterator[Start]:
    """Write files into a tree and start an instance of the first one."""
    started: list[Instance] = []

    def run(files: dict[str, str], **env: str) -> Instance:
        tree = tmp_path / "tree"
        for name, text in files.items():
            path = tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        instance = Instance(layer, runtime, tree, next(iter(files)), **env)
        started.append(instance)
        return instance

    yield run
    for instance in started:
        instance.kill()
