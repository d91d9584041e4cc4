"""One connection to the platform for each thread, used again and again.

A deployed function speaks to the agent beside it, through a socket of the instance,
and shows no key: the agent knows whose it is. All others speak HTTPS.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import threading
from typing import Any, Callable
from urllib.parse import quote, urlsplit

from fngen.client import credentials
from fngen.client.errors import PlatformError, of_answer

_TIMEOUT = 65.0
_SOCKET = "FNGEN_PLATFORM"


class _AgentConnection(http.client.HTTPConnection):
    """HTTP over the agent's socket."""

    def __init__(self, path: str) -> None:
        super().__init__("agent", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _Connection(http.client.HTTPConnection):
    """HTTP over TCP. Names below localhost are this machine, as RFC 6761 has it."""

    def connect(self) -> None:
        self.sock = socket.create_connection((_address(self.host), self.port), self.timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class _SecureConnection(_Connection):
    """The same over TLS."""

    default_port = http.client.HTTPS_PORT

    def __init__(self, host: str, port: int | None, ca_cert: str) -> None:
        super().__init__(host, port, timeout=_TIMEOUT)
        self._context = ssl.create_default_context(cafile=ca_cert or None)

    def connect(self) -> None:
        super().connect()
        self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host)


def _address(host: str) -> str:
    # Not every system's resolver knows them.
    return "127.0.0.1" if host == "localhost" or host.endswith(".localhost") else host


class _Route:
    """How requests for a project reach the platform."""

    def __init__(self, project: str) -> None:
        agent = os.environ.get(_SOCKET, "")
        self.headers = {"Content-Type": "application/json", "Accept": "application/json"}
        self.make: Callable[[], http.client.HTTPConnection]
        if agent and os.environ.get("FNGEN_PROJECT") == project:
            self.name, self.base = f"unix:{agent}", "/v1/agent/tasks"
            self.make = lambda: _AgentConnection(agent)
            return
        who = credentials.find()
        parts = urlsplit(who.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise PlatformError("invalid", f"the URL of the platform is none: {who.url!r}")
        self.name = f"{who.url} {hash(who.key)} {who.ca_cert}"
        self.base = f"{parts.path}/v1/projects/{quote(project, safe='')}/tasks"
        self.headers["Authorization"] = f"Bearer {who.key}"
        host, port = parts.hostname, parts.port
        if parts.scheme == "http":
            self.make = lambda: _Connection(host, port, timeout=_TIMEOUT)
        else:
            self.make = lambda: _SecureConnection(host, port, who.ca_cert)


class _Kept(threading.local):
    """The connection of a thread, to whom, and of which process: a fork needs its own."""

    name = ""
    process = 0
    connection: http.client.HTTPConnection | None = None


_kept = _Kept()


def ask(project: str, method: str, path: str, body: bytes | None = None) -> Any:
    """Send one request about the tasks of a project, and return its answer.

    It is sent once more when the connection turns out to be gone: every request that
    changes something carries a key, by which the platform knows it again.
    """
    route = _Route(project)
    for attempt in (1, 2):
        connection, is_new = _connection(route)
        try:
            connection.request(method, route.base + path, body, route.headers)
            answer = connection.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException) as error:
            drop()
            if is_new or attempt == 2:
                raise PlatformError(
                    "unreachable",
                    f"the platform cannot be reached: {error or type(error).__name__}",
                ) from error
            continue
        if answer.will_close:
            drop()
        return _read(answer.status, data)
    raise AssertionError("unreachable")


def _connection(route: _Route) -> tuple[http.client.HTTPConnection, bool]:
    kept = _kept.connection
    if kept is not None and (_kept.name, _kept.process) == (route.name, os.getpid()):
        return kept, False
    made = route.make()
    _kept.name, _kept.process, _kept.connection = route.name, os.getpid(), made
    return made, True


def drop() -> None:
    """Close the connection of this thread."""
    kept, _kept.connection = _kept.connection, None
    if kept is not None:
        kept.close()


def _read(status: int, data: bytes) -> Any:
    try:
        body = json.loads(data) if data else None
    except ValueError:
        body = None
    if not 200 <= status < 300:
        raise of_answer(status, body)
    return body
