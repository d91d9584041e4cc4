from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest
from workers import EXITED, PAYLOAD, RAISED, RESULT, TIMEOUT, WELL, Zygote

Start = Callable[..., Zygote]


@pytest.fixture
def zygote(tmp_path: Path, runtime: Path) -> Iterator[Start]:
    made: list[Zygote] = []

    def start(text: str, function: str = "f", **env: str) -> Zygote:
        made.append(Zygote(runtime, tmp_path / "tree", function, text, **env))
        return made[-1]

    yield start
    for one in made:
        one.kill()


def test_result_and_exception(zygote: Start) -> None:
    z = zygote("def f(a: int, b: int = 1):\n    return {'is': a // b}\n")
    assert z.heard() == {"op": "ready", "async": False, "spawn": ""}
    worker = z.start()
    assert worker.run({"a": "7", "b": 2}) == (WELL, {"is": 3})
    code, error = worker.run({"a": 1, "b": 0})
    assert (code, error["type"]) == (RAISED, "ZeroDivisionError")
    assert "tasks.py" in error["traceback"]
    assert "runtime/work" not in error["traceback"]
    assert "ZeroDivisionError" in z.text()  # where the person looks first
    assert worker.run({"a": 5}) == (WELL, {"is": 5})
    assert z.end() == 0


def test_payloads_that_do_not_bind(zygote: Start) -> None:
    z = zygote("def f(a: int, b: str):\n    print('ran')\n")
    z.heard()
    worker = z.start()
    poison = [
        b'{"a": ',
        b"\xff",
        b"1" * 5000,
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a": 1, "b": "\\ud800"}',
        b'"\x00"',
        b"NaN",
        b'{"a": "x", "c": 1}',
    ]
    for payload in poison:
        code, error = worker.run(payload)
        assert code == PAYLOAD, payload[:20]
        assert error["faults"]
    assert [fault["loc"] for fault in error["faults"]] == [["a"], ["b"], ["c"]]
    assert "ran" not in z.text()
    assert worker.run({"a": 1, "b": "x"}) == (WELL, None)


def test_large_payload_and_result(zygote: Start) -> None:
    z = zygote("def f(text: str, n: int = 1):\n    return text * n\n")
    z.heard()
    worker = z.start()
    text = "é" * 200_000
    assert worker.run({"text": text}) == (WELL, text)
    code, error = worker.run({"text": text, "n": 4})
    assert code == RESULT
    assert "1048576 are kept" in error["message"]


def test_result_that_is_no_json(zygote: Start) -> None:
    z = zygote("def f(kind: str):\n    return {'nan': float('nan'), 'object': object()}[kind]\n")
    z.heard()
    worker = z.start()
    assert worker.run({"kind": "nan"})[0] == RESULT
    assert worker.run({"kind": "object"})[0] == RESULT


def test_exits_are_failures(zygote: Start) -> None:
    z = zygote("import os, sys\ndef f(hard: bool):\n    os._exit(0) if hard else sys.exit(0)\n")
    z.heard()
    worker = z.start()
    code, error = worker.run({"hard": False}, 1)
    assert (code, error["type"]) == (EXITED, "SystemExit")
    worker.send(2, {"hard": True})
    worker.theirs.close()
    with pytest.raises(EOFError):
        worker.done()
    assert z.heard() == {"op": "exit", "pid": worker.pid, "status": 0}
    assert list(worker.page[:2]) == [2, 1 << 2 | 2]  # begun, and not ended


def test_kill_charges_what_was_begun(zygote: Start) -> None:
    z = zygote("import os\ndef f(n: int):\n    if n == 3: os.kill(os.getpid(), 9)\n    return n\n")
    z.heard()
    worker = z.start()
    for n in range(1, 6):
        worker.send(n, {"n": n})
    worker.theirs.setblocking(False)
    said = z.heard()
    assert os.WTERMSIG(said["status"]) == signal.SIGKILL
    assert list(worker.page[:2]) == [3, 2 << 2 | 1]
    assert worker.done()[0] == 1
    assert worker.done()[0] == 2
    # What it had not taken is still in the socket.
    assert worker.theirs.recv(100)[1] == 4
    assert worker.theirs.recv(100)[1] == 5


def test_timeout_is_raised_in_the_task(zygote: Start) -> None:
    z = zygote(
        """
        import time
        def f(n: int):
            try:
                print("begun", n)
                time.sleep(600 if n == 1 else 0)
            finally:
                print("cleaned", n)
            return n
        """
    )
    z.heard()
    worker = z.start()
    worker.page[2] = 7  # another task's: nothing happens
    worker.send(1, {"n": 1})
    wait_until(lambda: "begun 1" in z.text())
    z.signal(worker.pid, signal.SIGUSR1)
    worker.page[2] = 1
    z.signal(worker.pid, signal.SIGUSR1)
    _, code, error = worker.done()
    assert (code, error["type"]) == (TIMEOUT, "fngen.TaskTimeout")
    assert "cleaned 1" in z.text()
    assert worker.run({"n": 2}, 2) == (WELL, 2)


def test_async_tasks_run_beside_each_other(zygote: Start) -> None:
    z = zygote(
        """
        import asyncio
        gate = None
        async def f(n: int):
            global gate
            gate = gate or asyncio.Event()
            if n == 3:
                gate.set()
            await gate.wait()
            if n == 4:
                await asyncio.sleep(600)
            return n
        """,
        FNGEN_CONCURRENCY="4",
    )
    assert z.heard()["async"] is True
    worker = z.start()
    for n in (1, 2, 3, 4):
        worker.send(n, {"n": n})
    assert sorted(worker.done()[0] for _ in range(3)) == [1, 2, 3]
    worker.page[2 + 3] = 4  # in any of the places
    z.signal(worker.pid, signal.SIGUSR1)
    number, code, _ = worker.done()
    assert (number, code) == (4, TIMEOUT)


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_what_has_no_place_can_be_taken_back(zygote: Start, kind: str) -> None:
    z = zygote(
        f"""
        import asyncio, time
        {kind} f(n: int):
            {"await asyncio" if "async" in kind else "time"}.sleep(600 if n < 3 else 0)
            return n
        """,
        FNGEN_CONCURRENCY="2",
    )
    places = 2 if z.heard()["async"] else 1
    worker = z.start()
    for n in range(3 - places, 6):
        worker.send(n, {"n": n})
    wait_until(lambda: sorted(worker.page[::3]) == [1, 2][-places:])
    assert worker.theirs.recv(100)[1] == 3
    worker.page[2] = 2
    z.signal(worker.pid, signal.SIGUSR1)
    assert worker.done()[:2] == (2, TIMEOUT)
    assert [worker.done()[0] for _ in range(2)] == [4, 5]


def test_threads_at_import_forbid_the_fork(zygote: Start) -> None:
    z = zygote(
        """
        import os, threading, time
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
        def f():
            return os.getpid()
        """
    )
    assert z.heard()["spawn"] == "importing the code has started 1 thread"
    worker = z.start()
    assert worker.run({}) == (WELL, worker.pid)
    z.control.close()


def test_import_that_fails(zygote: Start) -> None:
    z = zygote("import nothing_of_the_kind\ndef f(): ...\n")
    with pytest.raises(EOFError):
        z.heard()
    assert z.process.wait(60) == 1
    assert "No module named 'nothing_of_the_kind'" in z.text()


def test_what_cannot_be_bound(zygote: Start) -> None:
    z = zygote("from typing import Callable\ndef f(go: Callable): ...\n")
    with pytest.raises(EOFError):
        z.heard()
    assert "parameter 'go' of f: " in z.text()


def test_workers_end_with_the_zygote(zygote: Start) -> None:
    z = zygote("import time\ndef f():\n    time.sleep(600)\n")
    z.heard()
    worker = z.start()
    worker.send(1, {})
    wait_until(lambda: worker.page[0] == 1)
    os.kill(z.process.pid, signal.SIGKILL)
    worker.theirs.close()
    with pytest.raises(EOFError):
        worker.done()


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.005)
