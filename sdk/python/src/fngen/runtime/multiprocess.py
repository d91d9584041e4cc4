"""Serve by several processes where they are wanted: by forks, or by each on its own.

import --nothing is open--> fork for each slot
|
something is: begin anew without an import --> a program for each slot, which imports
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
import sys
import threading
from time import sleep
from typing import NoReturn

from fngen.runtime import forking, lines, listening
from fngen.runtime.scoreboard import Scoreboard, Slot
from fngen.runtime.settings import Settings
from fngen.runtime.supervisor import Supervisor, command

_log = logging.getLogger("fngen")

# Set in the program that starts one for each slot, and in each of those.
_EACH_IMPORTS = "FNGEN_EACH_IMPORTS"
_SLOT = "FNGEN_SLOT"


class Processes:
    """The processes of one function, as one of them, or the one before them, sees them."""

    def __init__(self, chosen: Settings, loop: asyncio.AbstractEventLoop) -> None:
        self._chosen = chosen
        self._loop = loop
        self.slot = Slot()
        self.listener: socket.socket | None = None
        self.each_imports = bool(os.environ.pop(_EACH_IMPORTS, ""))
        given = os.environ.pop(_SLOT, "")
        self._env = dict(os.environ)  # the person's code may change it
        self.is_wanted = chosen.processes > 1 and not given
        if given:
            index, file, listener, parent = (int(part) for part in given.split(","))
            self.listener = socket.socket(fileno=listener)
            self._take(Scoreboard(chosen.processes, file), index, parent)

    def note_what_is_open(self) -> None:
        """Remember it, before the person's code is imported."""
        self._before = forking.Before() if self.is_wanted else None

    def fork(self, listener: socket.socket) -> int | None:
        """Return the exit code when all processes have ended, or None in each of them.

        Where a fork is not safe this program begins anew, and does not return.
        """
        why = self._before.why_not(self._loop) if self._before is not None else ""
        if why:
            self._begin_anew(why)
        board = Scoreboard(self._chosen.processes)
        forking.prepare()
        parent = os.getpid()

        def start(index: int) -> int:
            pid = os.fork()
            if pid == 0:
                forking.renew(self._loop)
                self._take(board, index, parent)
            return pid

        return Supervisor(board, start, listener.close, self._chosen.drain_seconds).run()

    def spawn(self) -> int:
        """Start a program for each slot; return the exit code when all have ended."""
        listener = listening.bound(self._chosen.host, self._chosen.port)
        board = Scoreboard(self._chosen.processes)
        shared = (board.file, listener.fileno())
        given, env = self._with_lines(self._env)
        keep: dict[int, subprocess.Popen[bytes]] = {}

        def start(index: int) -> int:
            env[_SLOT] = ",".join(map(str, (index, *shared, os.getpid())))
            keep[index] = subprocess.Popen(command(), env=env, pass_fds=(*shared, *given))
            return keep[index].pid

        return Supervisor(board, start, listener.close, self._chosen.drain_seconds).run() or 0

    def _begin_anew(self, why: str) -> NoReturn:
        _log.warning(
            "%s cannot be imported once for its %d processes, so each imports it: %s",
            *(self._chosen.file, self._chosen.processes, why),
        )
        program = command()
        given, env = self._with_lines({**self._env, _EACH_IMPORTS: "1"})
        for number in given:
            os.set_inheritable(number, True)
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(program[0], program, env)  # noqa: S606

    def _with_lines(self, env: dict[str, str]) -> tuple[list[int], dict[str, str]]:
        """Return what another program is to inherit to send lines, and env that says so."""
        if not lines.installed():
            return [], dict(env)
        number = lines.copy()
        return [number], {**env, "FNGEN_LINES": str(number)}

    def _take(self, board: Scoreboard, index: int, parent: int) -> None:
        self.slot.take(board, index)
        threading.Thread(target=_outlive, args=(parent,), name="fngen-parent", daemon=True).start()


def _outlive(parent: int) -> None:
    """End this process when its supervisor has: nobody would stop it any more."""
    while os.getppid() == parent:
        sleep(1)
    os._exit(1)
