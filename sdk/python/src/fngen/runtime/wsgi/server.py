"""Serve an application of WSGI: start, drain, stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from types import FrameType
from typing import Any, Callable

from fngen.runtime.listening import BACKLOG
from fngen.runtime.overload import Overload
from fngen.runtime.scoreboard import Slot
from fngen.runtime.settings import Settings
from fngen.runtime.traffic import Traffic
from fngen.runtime.wsgi.crew import Crew
from fngen.runtime.wsgi.edge import Edge

_log = logging.getLogger("fngen")

# How many requests are served at the same time, where nobody says another number.
THREADS = 16


class Service:
    """A server that is ready but for the application."""

    def __init__(
        self,
        settings: Settings,
        traffic: Traffic,
        overload: Overload,
        slot: Slot,
        started: Callable[[], None],
    ) -> None:
        self._threads = settings.threads or THREADS
        self._limits = settings.limits
        self._traffic = traffic
        self._overload = overload
        self._edge = Edge(settings, traffic, overload, slot)
        self._slot = slot
        self._started = started

    def serve(self, app: Any, loop: asyncio.AbstractEventLoop, listener: socket.socket) -> None:
        """Serve app until a signal says to stop."""
        self._edge.app = app
        loop.run_until_complete(self._serve(loop, listener))

    async def _serve(self, loop: asyncio.AbstractEventLoop, listener: socket.socket) -> None:
        told = asyncio.Event()

        def stop(number: int, _: FrameType | None) -> None:
            """Begin to drain; on the second signal, die of it at once."""
            if self._traffic.draining:
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)
            self._traffic.drain()
            loop.call_soon_threadsafe(told.set)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        crew = Crew(listener, self._edge.serve, self._threads, self._slot, self._limits)
        self._edge.in_work = lambda: crew.in_work
        self._overload.begin()
        listener.listen(BACKLOG)
        crew.start()
        self._started()
        turns = asyncio.ensure_future(self._turn(crew))
        await told.wait()
        while not self._traffic.has_let_go():
            await asyncio.sleep(0.05)
        crew.stop_listening()
        while not crew.is_done() and self._traffic.seconds_left() > 0:
            await asyncio.sleep(0.02)
        if crew.in_work:
            _log.error("%d request(s) cut off: the time to drain is over", crew.in_work)
        turns.cancel()

    async def _turn(self, crew: Crew) -> None:
        """Tell the supervisor that this process is alive; without one there is none to tell."""
        while not self._slot.is_alone:
            self._slot.seen(crew.connections)
            await asyncio.sleep(1)
