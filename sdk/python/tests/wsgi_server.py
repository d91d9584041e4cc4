"""A server of WSGI in the process of the tests."""

from __future__ import annotations

import socket
from typing import Any

from fngen.runtime import listening, settings
from fngen.runtime.limits import Limits
from fngen.runtime.overload import Overload
from fngen.runtime.scoreboard import Slot
from fngen.runtime.traffic import Traffic
from fngen.runtime.wsgi.crew import Crew
from fngen.runtime.wsgi.edge import Edge

DEADLINE = 120.0


class Server:
    """Serves app until it is closed."""

    def __init__(
        self,
        app: Any,
        threads: int = 4,
        overload: Overload | None = None,
        limits: Limits | None = None,
    ) -> None:
        listener = listening.bound("127.0.0.1", 0)
        self.port = listener.getsockname()[1]
        env = {"FNGEN_FUNCTION": "live_app", "FNGEN_FILE": "app.py", "FNGEN_PORT": str(self.port)}
        self.traffic = Traffic(10)
        edge = Edge(settings.read(env), self.traffic, overload or Overload(0), Slot())
        edge.app = app
        self.crew = Crew(listener, edge.serve, threads, Slot(), limits or Limits())
        edge.in_work = lambda: self.crew.in_work
        listener.listen()
        self.crew.start()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), DEADLINE)

    def exchange(self, *pieces: bytes) -> bytes:
        """Send pieces, and return what came until the server closed."""
        with self.connect() as sock:
            for piece in pieces:
                sock.sendall(piece)
            return everything(sock)

    def close(self) -> None:
        self.crew.stop_listening()


def everything(sock: socket.socket) -> bytes:
    out = b""
    while data := sock.recv(65536):
        out += data
    return out


def until(sock: socket.socket, end: bytes) -> bytes:
    """Return what comes up to end."""
    out = b""
    while not out.endswith(end):
        data = sock.recv(1)
        assert data, out
        out += data
    return out
