"""The web server of ASGI: uvicorn, with a stop that loses no request."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from types import FrameType
from typing import Any, Callable

from uvicorn import Config, Server
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from fngen.runtime.edge import BrokenAnswerError, Edge
from fngen.runtime.failure import StartError, one_line
from fngen.runtime.listening import BACKLOG
from fngen.runtime.overload import Overload
from fngen.runtime.protocol import Protocol
from fngen.runtime.scoreboard import Slot
from fngen.runtime.settings import Settings
from fngen.runtime.traffic import Traffic

# For how long a connection is left to another process that has fewer.
_ASIDE_SECONDS = 0.002

_log = logging.getLogger("fngen")


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
        self._file = settings.file
        self._edge = Edge(settings, traffic, overload, slot)
        self._overload = overload
        self._server = _Server(_config(self._edge, settings), traffic, slot, started)

    def serve(self, app: Any, loop: asyncio.AbstractEventLoop, listener: socket.socket) -> None:
        """Serve app until a signal says to stop."""
        self._edge.app = app
        self._overload.begin()
        logging.getLogger("uvicorn.error").addFilter(_is_news)
        try:
            loop.run_until_complete(self._server.serve([listener]))
        except SystemExit:  # a failed start, in newer versions of uvicorn
            if self._server.started:
                raise
        if not self._server.started:
            raise self._not_started()

    def _not_started(self) -> StartError:
        """Say what a start failed at."""
        error = self._edge.lifespan_error
        why = one_line(error) if error is not None else self._edge.lifespan_text
        failure = StartError(
            f"{self._file} could not be served: its lifespan failed to start: {why}", "lifespan"
        )
        failure.__cause__ = error
        return failure


def _config(app: Edge, settings: Settings) -> Config:
    class Limited(Protocol):
        limits = settings.limits
        edge = app

    config = Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="none",
        http=Limited,
        ws=WebSocketsSansIOProtocol,
        lifespan="auto",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the edge does it, with all else that it does
        timeout_keep_alive=int(settings.limits.keep_alive_seconds),
        backlog=BACKLOG,
    )
    config.load()
    return config


def _is_news(record: logging.LogRecord) -> bool:
    """Drop the traceback of what the edge has logged already, or what we cancelled."""
    error = record.exc_info and record.exc_info[1]
    return not isinstance(error, (BrokenAnswerError, asyncio.CancelledError))


class _Server(Server):
    def __init__(
        self, config: Config, traffic: Traffic, slot: Slot, started: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._traffic = traffic
        self._slot = slot
        self._on_start = started

    async def startup(self, sockets: Any = None) -> None:
        """Start, and tell whoever waits for it."""
        await super().startup(sockets)
        if not self._slot.is_alone:
            self._share(sockets[0])
        self._on_start()

    def _share(self, listener: socket.socket) -> None:
        """Take connections one by one, so that the other processes get theirs.

        asyncio takes all that wait at once.
        """
        loop = asyncio.get_running_loop()
        connections = self.server_state.connections
        kind: Any = self.config.http_protocol_class
        accepting: set[asyncio.Task[Any]] = set()

        def protocol() -> asyncio.Protocol:
            made: asyncio.Protocol = kind(
                config=self.config,
                server_state=self.server_state,
                app_state=self.lifespan.state,
                _loop=loop,
            )
            return made

        def accept() -> None:
            if not self._slot.may_accept(len(connections)):
                loop.remove_reader(listener)
                loop.call_later(_ASIDE_SECONDS, listen)
                return
            try:
                sock, _ = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no more file descriptors
                _log.error("no connection can be taken: %s", error)
                loop.remove_reader(listener)
                loop.call_later(1, listen)
                return
            sock.setblocking(False)
            task = loop.create_task(loop.connect_accepted_socket(protocol, sock))
            accepting.add(task)
            task.add_done_callback(accepting.discard)
            self._slot.seen(len(connections) + len(accepting))

        def listen() -> None:
            if listener.fileno() != -1:
                loop.add_reader(listener, accept)

        loop.remove_reader(listener)
        listen()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; on the second signal, die of it at once."""
        if self._traffic.draining:
            signal.signal(sig, signal.SIG_DFL)
            os.kill(os.getpid(), sig)
        self._traffic.drain()

    async def on_tick(self, counter: int) -> bool:
        """Stop listening once no request comes any more, or half the time is up."""
        self._slot.seen(len(self.server_state.connections))
        if self._traffic.has_let_go():
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: Any = None) -> None:
        """Close what is idle, then wait for what runs, as long as there is time."""
        left = self._traffic.seconds_left(least=0.1)
        self.config.timeout_graceful_shutdown = left  # type: ignore[assignment]
        await super().shutdown(sockets)
