"""Starts real instances: the runtime directory, a layer, and the server in it."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SDK = Path(__file__).parent.parent
DEADLINE = 90.0  # stands for "never": a busy machine takes long


def uv(*args: str) -> None:
    program = os.environ.get("UV") or shutil.which("uv")
    assert program, "the tests need uv: run them by `uv run pytest`"
    subprocess.run([program, "--quiet", *args], check=True)


def make_runtime(cache: Path) -> Path:
    """Install what the platform installs on each node, with the sources linked in."""
    pins = SDK / "runtime-requirements.txt"
    place = cache / f"runtime-{_key(pins.read_text())}"
    if not (place / "fngen").exists():
        uv(
            *("pip", "install", "--python", sys.executable, "--target", str(place)),
            *("--require-hashes", "--requirements", str(pins)),
        )
        (place / "fngen").symlink_to(SDK / "src" / "fngen")
    return place


def make_layer(cache: Path, *requirements: str) -> Path:
    """Make a virtual environment of a person's requirements; return its interpreter."""
    place = cache / f"layer-{_key(*requirements)}"
    if not (place / "complete").exists():
        uv("venv", "--clear", "--python", sys.executable, str(place))
        if requirements:
            uv("pip", "install", "--python", str(place), *requirements)
        (place / "complete").touch()
    return place / "bin" / "python"


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join([sys.version, *parts]).encode()).hexdigest()[:12]


ALLOCATION = "5f0d0001-aaaa-bbbb-cccc-0123456789ab"


class Instance:
    """One process of the runtime, started as the agent starts it."""

    def __init__(self, python: Path, runtime: Path, tree: Path, file: str, **env: str) -> None:
        self.port = free_port()
        self._output = tree.parent / f"output-{self.port}"
        self._cause = tree.parent / f"cause-{self.port}.json"
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [str(python), "-u", str(runtime / "fngen/runtime/boot.py")],
                cwd=tree,
                stdout=output,
                stderr=output,
                pass_fds=[int(env["FNGEN_LINES"])] if "FNGEN_LINES" in env else [],
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPYCACHEPREFIX": str(runtime.parent / "bytecode"),
                    "FNGEN_PROJECT": "hello",
                    "FNGEN_FUNCTION": "live_app",
                    "FNGEN_POWER": "webapp",
                    "FNGEN_RELEASE": "3",
                    "FNGEN_SERVER": "default",
                    "FNGEN_FILE": file,
                    "FNGEN_HOST": "127.0.0.1",
                    "FNGEN_PORT": str(self.port),
                    "FNGEN_RUNTIME": str(runtime),
                    "FNGEN_DRAIN_SECONDS": "10",
                    "FNGEN_CAUSE": str(self._cause),
                    "NOMAD_ALLOC_ID": ALLOCATION,
                    **env,
                },
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    @property
    def has_cause(self) -> bool:
        return self._cause.exists() and self._cause.stat().st_size > 0

    @property
    def cause(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads(self._cause.read_text())
        return record

    def ready(self) -> Instance:
        """Wait until the port answers."""
        until = time.monotonic() + DEADLINE
        while time.monotonic() < until:
            assert self.process.poll() is None, f"exited early:\n{self.output}"
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                time.sleep(0.01)
            else:
                return self
        raise AssertionError(f"no answer on the port:\n{self.output}")

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)

    def get(self, path: str = "/", **headers: str) -> tuple[http.client.HTTPResponse, str]:
        connection = self.connect()
        connection.request(
            "GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        response = connection.getresponse()
        return response, response.read().decode()

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        return self.process.wait(DEADLINE)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: object, what: str) -> None:
    """Wait until condition() is true, or fail."""
    end = time.monotonic() + DEADLINE
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, f"never happened: {what}"
        time.sleep(0.01)
