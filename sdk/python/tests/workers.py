"""A small agent: starts the zygote of a task worker, hands out tasks, reads outcomes."""

from __future__ import annotations

import array
import json
import mmap
import os
import signal
import socket
import struct
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

TASK = struct.Struct("<cQBI36s")
DONE = struct.Struct("<cQBBII")
WELL, RAISED, PAYLOAD, TIMEOUT, RESULT, EXITED = range(6)
# Stands for "it never ends".
PATIENCE = 120


class Worker:
    """One worker process, as its agent sees it."""

    def __init__(self, pid: int, ours: socket.socket, theirs: socket.socket, page: int) -> None:
        self.pid, self.socket, self.theirs = pid, ours, theirs
        self.socket.settimeout(PATIENCE)
        self.page = memoryview(mmap.mmap(page, os.fstat(page).st_size)).cast("Q")
        os.close(page)

    def send(self, number: int, payload: Any, attempt: int = 1, call: bool = False) -> None:
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        name = f"00000000-0000-7000-8000-{number:012d}".encode()
        flags = 2 if call else 0
        if len(data) <= 64 * 1024:
            self.socket.send(TASK.pack(b"T", number, flags, attempt, name) + data)
            return
        fd = os.memfd_create("payload")
        os.write(fd, data)
        head = TASK.pack(b"T", number, flags | 1, attempt, name)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        self.socket.sendmsg([head], rights)
        os.close(fd)

    def done(self) -> tuple[int, int, Any]:
        """Wait for an outcome: number, how it ended, result or error."""
        data, extra, _, _ = self.socket.recvmsg(70_000, socket.CMSG_LEN(4))
        if not data:
            raise EOFError
        _, number, code, flags, memory, _ = DONE.unpack_from(data)
        assert memory > 0
        body = data[DONE.size :]
        if flags & 1:
            fd = struct.unpack("i", extra[0][2][:4])[0]
            body = os.pread(fd, 4 << 20, 0)
            os.close(fd)
        return number, code, json.loads(body)

    def run(self, payload: Any, number: int = 1) -> tuple[int, Any]:
        self.send(number, payload)
        got, code, body = self.done()
        assert got == number
        return code, body


class Zygote:
    """The zygote of the function in a file."""

    def __init__(self, runtime: Path, tree: Path, function: str, text: str, **env: str) -> None:
        tree.mkdir(exist_ok=True)
        (tree / "tasks.py").write_text(textwrap.dedent(text))
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(PATIENCE)
        self.output = tree.parent / "output"
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-u", str(runtime / "fngen/runtime/boot.py")],
                cwd=tree,
                env={
                    "PATH": os.environ["PATH"],
                    "FNGEN_RUNTIME": str(runtime),
                    "FNGEN_POWER": "task_worker",
                    "FNGEN_FUNCTION": function,
                    "FNGEN_FILE": "tasks.py",
                    "FNGEN_WORK": str(theirs.fileno()),
                    **env,
                },
                pass_fds=[theirs.fileno()],
                stdout=output,
                stderr=output,
            )
        theirs.close()

    def heard(self) -> dict[str, Any]:
        data = self.control.recv(4096)
        if not data:
            raise EOFError(self.text())
        said: dict[str, Any] = json.loads(data)
        return said

    def start(self) -> Worker:
        self.control.send(b'{"op": "start"}')
        data, extra, _, _ = self.control.recvmsg(4096, socket.CMSG_LEN(12))
        said = json.loads(data)
        assert said["op"] == "worker", said
        one, other, page = struct.unpack("3i", extra[0][2][:12])
        return Worker(said["pid"], socket.socket(fileno=one), socket.socket(fileno=other), page)

    def signal(self, pid: int, number: int, group: bool = False) -> None:
        order = {"op": "signal", "pid": pid, "signal": number, "group": group}
        self.control.send(json.dumps(order).encode())

    def text(self) -> str:
        return self.output.read_text()

    def end(self) -> int:
        self.control.close()
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        self.control.close()
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
