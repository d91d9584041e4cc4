"""What a request costs in processor time: `uv run python tests/request_cost.py`.

An empty application of ASGI answers a GET on one connection that is not there, by our
runtime and by uvicorn alone; the least of many rounds, each in turn, so that what else
the machine does falls on both.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from fngen.runtime import lines, settings
from fngen.runtime.overload import Overload
from fngen.runtime.scoreboard import Slot
from fngen.runtime.server import Service
from fngen.runtime.traffic import Traffic

REQUESTS, ROUNDS = 500, 60
REQUEST = (
    b"GET /items/1?q=a HTTP/1.1\r\nHost: app.example\r\nUser-Agent: bench\r\nAccept: */*\r\n"
    b"Accept-Encoding: gzip\r\nX-Forwarded-For: 10.0.0.9\r\nX-Forwarded-Proto: https\r\n"
    b"X-Request-Id: 0123456789abcdef0123456789abcdef\r\n\r\n"
)
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/plain"), (b"content-length", b"2")],
}
BODY = {"type": "http.response.body", "body": b"ok"}


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send(START)
    await send(BODY)


class Nowhere(asyncio.Transport):
    """A connection whose answers are counted."""

    answers = 0

    def write(self, data: Any) -> None:
        self.answers += data.startswith(b"HTTP/1.1 200")

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 9) if name in ("peername", "sockname") else default

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def connection(config: Config, kind: Any, loop: asyncio.AbstractEventLoop) -> tuple[Any, Nowhere]:
    state = ServerState()
    state.default_headers = [(b"date", b"Sat, 28 Nov 2026 18:00:00 GMT")]
    protocol = kind(config=config, server_state=state, app_state={}, _loop=loop)
    transport = Nowhere()
    protocol.connection_made(transport)
    return protocol, transport


def measure(loop: asyncio.AbstractEventLoop, protocol: Any, transport: Nowhere) -> float:
    """Return the microseconds of a request."""

    async def many() -> float:
        transport.answers = 0
        began = time.process_time()
        for _ in range(REQUESTS):
            protocol.data_received(REQUEST)
            await asyncio.sleep(0)
        took = time.process_time() - began
        await asyncio.sleep(0)
        assert transport.answers == REQUESTS, transport.answers
        return took / REQUESTS * 1e6

    return loop.run_until_complete(many())


def ours() -> Config:
    env = {"FNGEN_FUNCTION": "live_app", "FNGEN_FILE": "app.py", "FNGEN_PORT": "8080"}
    service = Service(settings.read(env), Traffic(30), Overload(0), Slot(), lambda: None)
    service._edge.app = app
    return service._server.config


def theirs() -> Config:
    config = Config(app, interface="asgi3", log_config=None, access_log=False, loop="none")
    config.load()
    return config


def main() -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    config, other = ours(), theirs()
    mine = connection(config, config.http_protocol_class, loop)
    peer = connection(other, HttpToolsProtocol, loop)
    without = with_line = alone = 1e9
    for _ in range(ROUNDS):
        without = min(without, measure(loop, *mine))
        alone = min(alone, measure(loop, *peer))
    reader, writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    os.environ["FNGEN_LINES"] = str(os.dup(writer.fileno()))
    lines.install()
    pid = os.fork()
    if pid == 0:  # the agent's part, whose time is not counted
        writer.close()
        while reader.recv(200_000):
            pass
        os._exit(0)
    for _ in range(ROUNDS):
        with_line = min(with_line, measure(loop, *mine))
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    load = os.getloadavg()[0]
    print(f"uvicorn alone            {alone:6.1f} µs")
    print(f"fngen, no line of access {without:6.1f} µs  {without / alone:.2f}")
    print(
        f"fngen                    {with_line:6.1f} µs  {with_line / alone:.2f}   load {load:.1f}"
    )


if __name__ == "__main__":
    main()
