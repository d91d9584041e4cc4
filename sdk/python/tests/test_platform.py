from __future__ import annotations

import dataclasses
import datetime
import decimal
import http.server
import json
import os
import socket
import socketserver
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fngen import platform
from fngen.client import connection, data

KEY = "fngen_" + "a" * 33


class Server:
    """Answers as the platform does, and keeps what it was asked."""

    def __init__(self, address: Any) -> None:
        self.seen: list[tuple[str, str, dict[str, str], Any]] = []
        self.answers: list[tuple[int, Any]] = []
        self.connections = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                outer.connections += 1
                super().setup()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                outer.seen.append(
                    (self.command, self.path, dict(self.headers), json.loads(body or b"null"))
                )
                status, answer = outer.answers.pop(0)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST  # noqa: N815

            def address_string(self) -> str:
                return "client"

            def log_message(self, *args: Any) -> None: ...

        kind: Any = socketserver.ThreadingTCPServer
        if isinstance(address, str):
            kind = socketserver.ThreadingUnixStreamServer
        self.server = kind(address, Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    server = Server(("127.0.0.1", 0))
    monkeypatch.setenv("FNGEN_API_URL", f"http://127.0.0.1:{server.server.server_address[1]}")
    monkeypatch.setenv("FNGEN_API_KEY", KEY)
    yield server
    server.server.shutdown()
    server.server.server_close()
    connection.drop()


def queued(number: int = 1) -> dict[str, Any]:
    return {"id": str(uuid.UUID(int=number)), "state": "queued", "attempts": 0}


def test_one_task_with_a_key(remote: Server) -> None:
    remote.answers = [(200, queued()), (200, queued(2))]
    task = platform.run_task("your_project", "hello_world", {"name": "Aang"})
    assert task.id == str(uuid.UUID(int=1))
    platform.run_task("your_project", "hello_world", [1], key="mine")
    method, path, headers, body = remote.seen[0]
    assert (method, path) == ("POST", "/v1/projects/your_project/tasks")
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert body == {
        "payload": {"name": "Aang"},
        "function": "hello_world",
        "key": body["key"],
    }
    assert remote.seen[1][3]["key"] == "mine"
    assert remote.connections == 1  # one connection is used again


def test_wait(remote: Server) -> None:
    remote.answers = [
        (200, queued()),
        (200, {**queued(), "state": "running"}),
        (200, {**queued(), "state": "succeeded", "result": {"n": 1}}),
        (200, queued(2)),
        (200, {**queued(2), "state": "dead", "error": {"type": "ValueError", "message": "no"}}),
    ]
    task = platform.run_task("p", "f", wait=True)
    assert (task.state, task.result) == ("succeeded", {"n": 1})
    assert remote.seen[1][1].endswith(f"/tasks/{task.id}?wait=25")
    with pytest.raises(platform.TaskFailed, match="dead: ValueError: no"):
        platform.run_task("p", "f").wait()


def test_payload_that_does_not_fit(remote: Server) -> None:
    fault = {"loc": ["items", 1, "qty"], "msg": "expected int, got 'x'"}
    remote.answers = [
        (400, {"code": "bad_payload", "detail": "it does not fit", "faults": [fault]})
    ]
    with pytest.raises(platform.BadPayload, match=r"items\[1\].qty: expected int") as caught:
        platform.run_task("p", "f", {})
    assert caught.value.faults == [fault]


def test_many(remote: Server) -> None:
    remote.answers = [(200, {"tasks": [{"id": "a"}, {"id": "b"}]})]
    assert [task.id for task in platform.run_tasks("p", "f", [1, 2])] == ["a", "b"]
    assert [order["payload"] for order in remote.seen[0][3]["tasks"]] == [1, 2]


def test_a_deployed_function_shows_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "s")
    server = Server(path)
    server.answers = [(200, queued())]
    monkeypatch.setenv("FNGEN_PLATFORM", path)
    monkeypatch.setenv("FNGEN_PROJECT", "shop")
    monkeypatch.delenv("FNGEN_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    platform.run_task("shop", "f", None)
    assert server.seen[0][1] == "/v1/agent/tasks"
    assert "Authorization" not in server.seen[0][2]
    with pytest.raises(platform.PlatformError, match="there is no API key"):
        platform.run_task("another", "f", None)
    server.server.shutdown()
    server.server.server_close()
    connection.drop()


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:  # a port at which nobody answers
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("FNGEN_API_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        monkeypatch.setenv("FNGEN_API_KEY", KEY)
        with pytest.raises(platform.PlatformError, match="cannot be reached"):
            platform.run_task("p", "f")


def test_key_is_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".fngen").mkdir()
    (tmp_path / ".fngen" / "credentials.yml").write_text(
        f"# mine\napi_key: '{KEY}'\napi_url: https://api.example.com/ # there\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("FNGEN_API_KEY", "FNGEN_API_URL", "FNGEN_CA_CERT"):
        monkeypatch.delenv(name, raising=False)
    from fngen.client import credentials

    found = credentials.find()
    assert (found.key, found.url) == (KEY, "https://api.example.com")
    assert KEY not in repr(found)


@dataclasses.dataclass
class Order:
    n: int


class Model:
    def model_dump(self, mode: str) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (Order(1), r"payload is of the class Order, which is no JSON: send dataclasses.asdict"),
        ({"a": [Model()]}, r"payload\['a'\]\[0\] is of the class Model.*model_dump"),
        (object(), "send what it is made of"),
        (float("nan"), "cannot be written as JSON"),
        ("\ud800", "half of a surrogate pair"),
        ({(1, 2): 3}, "the keys of JSON are texts"),
        ("x" * (64 << 20), "a task takes 64 MiB: put the data where the function reads it"),
    ],
)
def test_odd_payloads(payload: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        data.encode(payload)


def test_payloads_of_the_standard_library() -> None:
    made = data.encode(
        {
            "at": datetime.datetime(2026, 1, 2, 3, 4, 5),
            "sum": decimal.Decimal("1.50"),
            "raw": b"\x00\x01",
            "all": {1},
            "big": 2**60,
        }
    )
    assert json.loads(made) == {
        "at": "2026-01-02T03:04:05",
        "sum": "1.50",
        "raw": {"$b64": "AAE="},
        "all": [1],
        "big": 2**60,
    }


def test_large_payloads_travel_alone(remote: Server) -> None:
    large = "x" * (1 << 20)
    remote.answers = [
        (200, {"tasks": [{"id": "a"}]}),
        (200, {"id": "b"}),
        (200, {"tasks": [{"id": "c"}]}),
        (200, queued()),
    ]
    made = platform.run_tasks("p", "f", [1, large, 2])
    assert [task.id for task in made] == ["a", "b", "c"]
    platform.run_task("p", "f", [large], key="a key")
    paths = [path for _, path, _, _ in remote.seen]
    assert [path.partition("?")[0].rpartition("/")[2] for path in paths] == [
        "tasks",
        "large",
        "tasks",
        "large",
    ]
    assert paths[3].endswith("/tasks/large?function=f&key=a+key")
    assert remote.seen[3][3] == [large]
    assert "key=" in paths[1]  # so that it can be sent again


def test_a_fork_has_a_connection_of_its_own(remote: Server) -> None:
    remote.answers = [(200, queued())] * 2
    platform.run_task("p", "f")
    pid = os.fork()
    if pid == 0:
        try:
            platform.run_task("p", "f")
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert remote.connections == 2
