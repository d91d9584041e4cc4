"""Serve with several processes: start them, replace one that dies, stop them.

    starts the first --ready--> starts the others --SIGTERM--> drains --all ended--> exit 0
        |                            |
        the first fails: exit 1      one dies: it is replaced, the others serve on

The first starts alone, so that what fails at the start fails, and is told, once.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from select import select
from time import monotonic
from typing import Callable

from fngen.runtime.scoreboard import Scoreboard

_log = logging.getLogger("fngen")

# A process that dies at once is started again after this long, then twice as long.
_SHORTEST_SECONDS = 0.1
_LONGEST_SECONDS = 30.0
# One that has lived this long is not one that dies at once.
_LIVED_SECONDS = 60.0
# A process whose loop has not turned for this long is told of.
_SILENT_SECONDS = 30.0
# What a process may take beyond the time to drain before it is killed.
_GRACE_SECONDS = 2.0


class _Worker:
    def __init__(self) -> None:
        self.pid = 0
        self.since = 0.0
        self.due: float | None = 0.0  # when to start it
        self.pause = _SHORTEST_SECONDS
        self.told = False


class Supervisor:
    """Keeps as many processes as there are slots.

    start starts the one of a slot and returns its pid, or 0 in the process itself. stops is
    called when they are told to end.
    """

    def __init__(
        self,
        board: Scoreboard,
        start: Callable[[int], int],
        stops: Callable[[], object],
        drain_seconds: float,
    ) -> None:
        self._board = board
        self._start = start
        self._stops = stops
        self._drain_seconds = drain_seconds
        self._workers = [_Worker() for _ in range(board.count)]
        self._signals = 0
        self._stopped_at: float | None = None

    def run(self) -> int | None:
        """Return the exit code when all have ended, or None in a process that was forked."""
        ears, mouth = os.pipe()
        os.set_blocking(mouth, False)
        os.set_blocking(ears, False)
        signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, self._noted)
        while True:
            if self._start_due():
                signal.set_wakeup_fd(-1)
                os.close(ears)
                os.close(mouth)
                return None
            if select([ears], [], [], self._pause())[0]:
                os.read(ears, 4096)
            self._pass_on()
            failed = self._reap()
            if failed is not None:
                return failed
            self._look()
            if self._stopped_at is not None and not any(worker.pid for worker in self._workers):
                return 0

    def _noted(self, number: int, _: object) -> None:
        if number != signal.SIGCHLD:
            self._signals += 1

    def _pause(self) -> float:
        """Return how long there is nothing to do but to wait for a signal."""
        if self._stopped_at is not None or not self._board.is_ready(0):
            return 0.05
        dues = [worker.due for worker in self._workers if worker.due is not None]
        return min(max(min(dues) - monotonic(), 0.01), 5.0) if dues else 5.0

    def _start_due(self) -> bool:
        """Start what is to be started; say whether this is one that was."""
        if self._stopped_at is not None or self._signals:
            return False
        now = monotonic()
        for index, worker in enumerate(self._workers):
            if worker.due is None or worker.due > now:
                continue
            if index and not self._any_ready():
                break
            self._board.clear(index)
            pid = self._start(index)
            if pid == 0:
                for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
                    signal.signal(number, signal.SIG_DFL)
                if self._signals:  # it came between the fork and here
                    os._exit(0)
                return True
            worker.pid, worker.since, worker.due, worker.told = pid, now, None, False
        return False

    def _any_ready(self) -> bool:
        return any(self._board.is_ready(index) for index in range(self._board.count))

    def _pass_on(self) -> None:
        """Pass each signal to stop on; one that outlasts the time to drain is killed."""
        while self._signals:
            self._signals -= 1
            if self._stopped_at is None:
                self._stopped_at = monotonic()
                self._stops()
            else:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self._kill(signal.SIGTERM)
            if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
                os.kill(os.getpid(), signal.SIGTERM)
        limit = self._drain_seconds + _GRACE_SECONDS
        if self._stopped_at is not None and monotonic() - self._stopped_at > limit:
            self._kill(signal.SIGKILL)

    def _kill(self, number: int) -> None:
        for worker in self._workers:
            if worker.pid:
                os.kill(worker.pid, number)

    def _reap(self) -> int | None:
        """Note which processes have ended; return an exit code when it is over with that."""
        for index, worker in enumerate(self._workers):
            if not worker.pid:
                continue
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if not pid:
                continue
            worker.pid = 0
            if self._stopped_at is not None:
                continue
            if not self._any_ready():
                self._kill(signal.SIGKILL)
                return self._as_it_ended(index, status)
            self._replace(index, worker, status)
        return None

    def _as_it_ended(self, index: int, status: int) -> int:
        """End as the process has that was to be the first: its end is that of the function.

        Whoever started us then sees what killed it, such as a server that ran out of memory.
        """
        if not os.WIFSIGNALED(status):
            return max(os.WEXITSTATUS(status), 1)
        number = os.WTERMSIG(status)
        _log.error("process %d of %d %s", index + 1, self._board.count, _how(status))
        sys.stderr.flush()
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        return 128 + number

    def _replace(self, index: int, worker: _Worker, status: int) -> None:
        now = monotonic()
        if now - worker.since > _LIVED_SECONDS:
            worker.pause = _SHORTEST_SECONDS
        worker.due = now + worker.pause
        worker.pause = min(2 * worker.pause, _LONGEST_SECONDS)
        _log.error(
            "process %d of %d %s%s; the others serve on and it is started again",
            *(index + 1, self._board.count, _how(status), self._in_what(index)),
        )
        self._board.clear(index)

    def _look(self) -> None:
        """Tell of a process that hangs."""
        for index, worker in enumerate(self._workers):
            hangs = worker.pid and self._board.silent_for(index) > _SILENT_SECONDS
            if hangs and not worker.told:
                _log.error(
                    "process %d of %d has done nothing else for %.0f s%s",
                    *(index + 1, self._board.count, _SILENT_SECONDS, self._in_what(index)),
                )
            worker.told = bool(hangs)

    def _in_what(self, index: int) -> str:
        notes = self._board.notes(index)
        more = f" and {len(notes) - 3} more" if len(notes) > 3 else ""
        return f", in {', '.join(notes[:3])}{more}" if notes else ""


def _how(status: int) -> str:
    if not os.WIFSIGNALED(status):
        return f"has ended with exit code {os.WEXITSTATUS(status)}"
    number = os.WTERMSIG(status)
    return f"was ended by {signal.Signals(number).name}"


def command() -> list[str]:
    """Return how this process was started."""
    return list(getattr(sys, "orig_argv", None) or [sys.executable, *sys.argv])
