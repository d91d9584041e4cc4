"""The socket that a function is reached at."""

from __future__ import annotations

import socket

# Connections that wait to be taken; the kernel cuts it down to what it has.
BACKLOG = 2048


def bound(host: str, port: int) -> socket.socket:
    """Return a socket with that address, on which nobody listens yet.

    Its protocol is named: asyncio switches the delay of small packets off only where it
    sees that a socket is one of TCP.
    """
    family, _, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made
