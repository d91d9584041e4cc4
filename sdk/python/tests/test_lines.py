"""What is printed and logged goes to the agent with what is known of it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the runtime runs on Linux")

SOURCE = Path(__file__).resolve().parent.parent / "src"


def run(code: str) -> tuple[list[dict[str, Any]], str, str]:
    """Run code with the runtime's lines; return records, stdout and stderr."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    program = "from fngen.runtime import context, lines; lines.install()\n" + code
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", program],
        env={**os.environ, "PYTHONPATH": str(SOURCE), "FNGEN_LINES": str(theirs.fileno())},
        pass_fds=[theirs.fileno()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    theirs.close()
    records = []
    while packet := ours.recv(1 << 20):
        records.append(json.loads(packet))
    out, err = process.communicate(timeout=60)
    ours.close()
    return records, out, err


IN_REQUEST = "context.request_id.set('r1')\n"


def test_prints_outside_of_a_request_are_plain() -> None:
    records, out, _ = run("print('a'); print('b', end='')")
    assert (records, out) == ([], "a\nb")


def test_prints_in_a_request_carry_its_id() -> None:
    records, out, _ = run(IN_REQUEST + "import sys\nprint('a', 1); print('x\\ny', file=sys.stderr)")
    assert records == [
        {"s": "stdout", "m": "a 1", "r": "r1"},
        {"s": "stderr", "m": "x", "r": "r1"},
        {"s": "stderr", "m": "y", "r": "r1"},
    ]
    assert out == ""


def test_a_line_in_pieces_is_one_and_the_last_is_not_lost() -> None:
    records, _, _ = run(IN_REQUEST + "print('a', end=''); print('b'); print('end', end='')")
    assert [record["m"] for record in records] == ["ab", "end"]


def test_a_line_that_was_begun_before_the_request_is_its_own() -> None:
    records, out, _ = run("print('a', end='')\n" + IN_REQUEST + "print('b')")
    assert ([record["m"] for record in records], out) == (["b"], "a")


def test_logging_has_its_level_name_and_one_entry() -> None:
    records, _, err = run(
        "import logging; logging.basicConfig(level=logging.INFO); log = logging.getLogger('app')\n"
        "log.info('one\\ntwo'); log.log(35, 'between'); log.debug('no')\n"
        "try: 1/0\nexcept ZeroDivisionError: log.exception('failed')"
    )
    assert [(r["l"], r["n"], r["s"]) for r in records] == [
        ("INFO", "app", "stderr"),
        ("WARNING", "app", "stderr"),
        ("ERROR", "app", "stderr"),
    ]
    assert records[0]["m"] == "INFO:app:one\ntwo"
    assert "Traceback (most recent" in records[2]["m"]
    assert len(records[2]["e"]) == 16
    assert err == ""


def test_logging_to_a_file_is_untouched(tmp_path: Path) -> None:
    path = tmp_path / "log"
    records, _, _ = run(
        f"import logging; logging.basicConfig(filename={str(path)!r}); logging.error('to a file')"
    )
    assert (records, path.read_text()) == ([], "ERROR:root:to a file\n")


def test_an_uncaught_exception_is_one_entry_with_its_identity() -> None:
    records, _, err = run("def f(): raise ValueError('no')\nf()")
    assert [(r["l"], r["s"], len(r["e"])) for r in records] == [("CRITICAL", "stderr", 16)]
    assert records[0]["m"].startswith("Traceback")
    assert records[0]["m"].endswith("ValueError: no")
    assert err == ""


def test_the_same_fault_has_the_same_identity_and_another_another() -> None:
    code = (
        "import logging\n"
        "def f(n): int('x' * n)\n"
        "for n in (1, 2):\n"
        "    try: f(n)\n"
        "    except ValueError: logging.exception('')\n"
        "try: {}['x']\nexcept KeyError: logging.exception('')"
    )
    records, _, _ = run(code)
    one, same, other = (record["e"] for record in records)
    assert one == same != other


def test_a_printed_traceback_is_one_entry() -> None:
    records, _, _ = run(
        IN_REQUEST + "import traceback\ntry: 1/0\nexcept ZeroDivisionError: traceback.print_exc()"
    )
    assert [(r["l"], r["r"]) for r in records] == [("ERROR", "r1")]
    assert records[0]["m"].endswith("ZeroDivisionError: division by zero")


def test_threads_pools_tasks_and_forks_carry_the_id() -> None:
    records, _, _ = run(
        IN_REQUEST + "import asyncio, os, threading\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "class Mine(threading.Thread):\n"
        "    def run(self): print('class')\n"
        "for t in (threading.Thread(target=print, args=('thread',)), Mine()): t.start(); t.join()\n"
        "pool = ThreadPoolExecutor(1)\n"
        "pool.submit(print, 'pool').result()\n"
        "async def task():\n"
        "    await asyncio.create_task(later()); await asyncio.to_thread(print, 'to_thread')\n"
        "async def later(): print('task')\n"
        "asyncio.run(task())\n"
        "if os.fork() == 0: print('fork'); os._exit(0)\n"
        "os.wait()\n"
        "context.request_id.set('r2'); pool.submit(print, 'another').result()\n"
        "context.request_id.set(None); pool.submit(print, 'none').result()\n"
    )
    said = {record["m"]: record.get("r") for record in records}
    names = ("thread", "class", "pool", "to_thread", "task", "fork")
    assert said == {**dict.fromkeys(names, "r1"), "another": "r2"}


def test_a_thread_that_fails_tells_the_request() -> None:
    records, _, _ = run(
        IN_REQUEST
        + "import threading\nt = threading.Thread(target=lambda: 1/0); t.start(); t.join()"
    )
    assert [(r["l"], r["r"], len(r["e"])) for r in records] == [("ERROR", "r1", 16)]
    assert records[0]["m"].startswith("Exception in thread")


def test_a_task_has_its_id() -> None:
    records, _, _ = run("context.task_id.set('t1'); print('x')")
    assert records == [{"s": "stdout", "m": "x", "t": "t1"}]


@pytest.mark.parametrize("text", ["'x' * (1 << 20)", "'\\x01' * (1 << 20)", "'\\xe4' * (1 << 19)"])
def test_a_long_line_is_cut(text: str) -> None:
    records, _, _ = run(IN_REQUEST + f"print({text})")
    [record] = records
    assert len(record["m"].encode()) + record["c"] == 1 << 20


def test_what_is_no_text_does_not_fail() -> None:
    records, _, _ = run(IN_REQUEST + "print('\\ud800', '\\x00', '\\x1b[31m')")
    assert records == [{"s": "stdout", "m": "? \x00 \x1b[31m", "r": "r1"}]


def test_a_program_that_closes_all_files_prints_as_always() -> None:
    records, out, _ = run(
        "import os; os.closerange(3, 2000)\n"
        "held = [os.open('/dev/null', os.O_RDWR) for _ in range(1000)]\n"
        + IN_REQUEST
        + "print('x')"
    )
    assert (records, out) == ([], "x\n")


def test_streams_are_what_they_were() -> None:
    records, out, _ = run(
        "import sys, subprocess\n"
        "sys.stdout.buffer.write(b'bytes\\n'); sys.stdout.flush()\n"
        "subprocess.run(['echo', 'child'])\n"
        "o = sys.stdout; print(o.fileno(), o.encoding, o.isatty(), o.writable())\n"
        "sys.stdout.reconfigure(line_buffering=True); sys.stdout.writelines(['a\\n', 'b\\n'])"
    )
    assert (records, out) == ([], "bytes\nchild\n1 utf-8 False True\na\nb\n")


PATHS = (
    *("/", '/a b\\c"d', "/ä€😀", "/\x00\x1b[31m\n\x7f", "/\udc80"),
    *("/" + 5000 * "ä", "/" + 40_000 * "x"),
)


def test_a_line_of_access_is_a_record_whatever_the_path() -> None:
    code = IN_REQUEST + (
        "from fngen.runtime import access\n"
        f"for path in {PATHS!r}: access.note('GET', path, 200, 0.00123)\n"
        "access.note('PUT', '/', 503, 1.0); access.note('GET', '/', 0, 0.0)\n"
        "context.request_id.set(None); access.note('GET', '/', 200, 0.0)"
    )
    records, _, _ = run(code)
    for record, given in zip(records, PATHS):
        path = given.replace("\udc80", "?")
        assert record["m"] == f"GET {path} 200 1.23ms"
        assert record["a"] == {"method": "GET", "path": path, "status": 200, "duration_ms": 1.23}
        assert (record["s"], record["l"], record["n"]) == ("stdout", "INFO", "fngen.access")
        assert record["r"] == "r1"
    told = [(r["l"], r["a"]["status"], r.get("r")) for r in records[len(PATHS) :]]
    assert told == [("ERROR", 503, "r1"), ("ERROR", 0, "r1"), ("INFO", 200, None)]
