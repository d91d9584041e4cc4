"""The web server: uvicorn, with a stop that loses no request."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from types import FrameType
from typing import Any, Callable

from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from fngen.runtime.edge import BrokenAnswerError, Edge
from fngen.runtime.failure import StartError, one_line
from fngen.runtime.settings import Settings
from fngen.runtime.traffic import Traffic

# Longer than a router keeps an idle connection (Traefik: 90 s), so that it is
# the router that closes it, never we while a request is on its way.
_KEEP_ALIVE_SECONDS = 120

# Of the time to drain, the part in which new connections are taken at most.
_ACCEPTING_PART = 0.5


class Service:
    """A server that is ready but for the application."""

    def __init__(self, settings: Settings, started: Callable[[], None]) -> None:
        self._file = settings.file
        self._traffic = Traffic()
        self._edge = Edge(settings, self._traffic)
        self._server = _Server(_config(self._edge, settings), settings, self._traffic, started)

    def serve(self, app: Any, loop: asyncio.AbstractEventLoop) -> int:
        """Serve app until a signal says to stop; return the exit code."""
        self._edge.app = app
        # A person's logging.dictConfig may have switched off the loggers it does not know.
        for name in ("fngen", "uvicorn.error"):
            logging.getLogger(name).disabled = False
        logging.getLogger("uvicorn.error").addFilter(_is_news)
        try:
            loop.run_until_complete(self._server.serve())
        except SystemExit:  # a failed start, in newer versions of uvicorn
            if self._server.started:
                raise
        if not self._server.started:
            raise self._not_started()
        # Python waits, without a limit, for threads that still run.
        last = threading.Timer(self._server.seconds_left(least=1), os._exit, [0])
        last.daemon = True
        last.start()
        return 0

    def _not_started(self) -> StartError:
        """Say what a start failed at; uvicorn has logged what is not the app's."""
        if not self._server.lifespan.should_exit:
            config = self._server.config
            return StartError(
                f"{self._file} could not be served: cannot listen on {config.host}:{config.port}"
            )
        error = self._edge.lifespan_error
        why = one_line(error) if error is not None else self._edge.lifespan_text
        failure = StartError(
            f"{self._file} could not be served: its lifespan failed to start: {why}", "lifespan"
        )
        failure.__cause__ = error
        return failure


def _config(app: Edge, settings: Settings) -> Config:
    config = Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="none",
        http=HttpToolsProtocol,
        ws=WebSocketsSansIOProtocol,
        lifespan="auto",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.proxies,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    config.load()
    return config


def _is_news(record: logging.LogRecord) -> bool:
    """Drop the traceback of what the edge has logged already, or what we cancelled."""
    error = record.exc_info and record.exc_info[1]
    return not isinstance(error, (BrokenAnswerError, asyncio.CancelledError))


class _Server(Server):
    def __init__(
        self, config: Config, settings: Settings, traffic: Traffic, started: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._traffic = traffic
        self._drain_seconds = settings.drain_seconds
        self._on_start = started

    async def startup(self, sockets: Any = None) -> None:
        """Start, and tell whoever waits for it."""
        await super().startup(sockets)
        self._on_start()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; on the second signal, die of it at once."""
        if self._traffic.draining:
            signal.signal(sig, signal.SIG_DFL)
            os.kill(os.getpid(), sig)
        self._traffic.drain()

    async def on_tick(self, counter: int) -> bool:
        """Stop listening once no request comes any more, or half the time is up."""
        limit = self._drain_seconds * _ACCEPTING_PART
        if self._traffic.is_quiet() or self._traffic.drained_for() > limit:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: Any = None) -> None:
        """Close what is idle, then wait for what runs, as long as there is time."""
        left = self.seconds_left(least=0.1)
        self.config.timeout_graceful_shutdown = left  # type: ignore[assignment]
        await super().shutdown(sockets)

    def seconds_left(self, least: float) -> float:
        """Return how much of the time to drain is left."""
        return max(least, self._drain_seconds - self._traffic.drained_for())
