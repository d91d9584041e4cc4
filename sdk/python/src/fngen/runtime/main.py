"""Load one function, call it, serve the application that it returns."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import socket
import threading
from typing import TYPE_CHECKING, Any, Callable

from fngen.runtime import (
    django_settings,
    frameworks,
    kind,
    lines,
    listening,
    load,
    multiprocess,
    request_errors,
    settings,
)
from fngen.runtime import server as asgi
from fngen.runtime.failure import StartError, one_line, report
from fngen.runtime.overload import Overload
from fngen.runtime.scoreboard import Slot
from fngen.runtime.settings import Settings
from fngen.runtime.traffic import Traffic
from fngen.runtime.watch import Watch
from fngen.runtime.wsgi import server as wsgi

if TYPE_CHECKING:
    from fngen.runtime.static import StaticFiles


def run(tree: str, to_person: Callable[[], None]) -> int:
    """Serve the function that the environment names; return the exit code.

    to_person makes sys.path and sys.modules those of the person's code: all that
    we import ourselves comes before it.
    """
    lines.install()
    # One loop, current from the start: what a module makes while it is imported
    # belongs to the loop that serves it.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    watch = Watch(loop)
    try:
        chosen = settings.read(os.environ)
        processes = multiprocess.Processes(chosen, loop)
        if processes.each_imports:
            watch.stop()
            return processes.spawn()
        listener = processes.listener or _bound(chosen)
        traffic = Traffic(chosen.drain_seconds)
        services = _services(chosen, traffic, processes.slot, lambda: watch.stop())
        request_errors.install()
        files = _static_files(chosen)
        processes.note_what_is_open()
        to_person()
        if files is not None:
            django_settings.put_static_root(chosen.static)
        how, app = _application(tree, chosen, loop, files)
        if processes.is_wanted:
            watch.stop()
            ended = processes.fork(listener)
            if ended is not None:
                return ended
            watch = Watch(loop)
        _serve(services[how], app, loop, listener)
        # Python waits, without a limit, for threads that still run.
        last = threading.Timer(traffic.seconds_left(least=1), os._exit, [0])
        last.daemon = True
        last.start()
        return 0
    except StartError as failure:
        report(failure)
        return 1
    finally:
        watch.stop()
        _close(loop)


def _services(
    chosen: Settings, traffic: Traffic, slot: Slot, started: Callable[[], None]
) -> dict[str, asgi.Service | wsgi.Service]:
    """Make both servers: which one it is, only the person's code tells."""
    overload = Overload(chosen.memory_bytes, chosen.processes)
    return {
        "asgi": asgi.Service(chosen, traffic, overload, slot, started),
        "wsgi": wsgi.Service(chosen, traffic, overload, slot, started),
    }


def _serve(
    service: asgi.Service | wsgi.Service,
    app: Any,
    loop: asyncio.AbstractEventLoop,
    listener: socket.socket,
) -> None:
    # A person's logging.dictConfig may have switched off the loggers it does not know.
    for name in ("fngen", "uvicorn.error"):
        logging.getLogger(name).disabled = False
    service.serve(app, loop, listener)


def _bound(chosen: Settings) -> socket.socket:
    try:
        return listening.bound(chosen.host, chosen.port)
    except OSError as error:
        raise StartError(
            f"{chosen.file} could not be served: cannot listen on {chosen.host}:{chosen.port}: "
            f"{os.strerror(error.errno).lower() if error.errno else error}"
        ) from None


def _static_files(chosen: Settings) -> StaticFiles | None:
    if not chosen.static:
        return None
    from fngen.runtime import static  # others need not pay for what it imports

    return static.StaticFiles(chosen.static)


def _application(
    tree: str, chosen: Settings, loop: asyncio.AbstractEventLoop, files: StaticFiles | None
) -> tuple[str, Any]:
    """Return how the application is to be called, "asgi" or "wsgi", and it."""
    app = _call(tree, chosen, loop)
    how = kind.of(app, chosen.function, chosen.framework)
    frameworks.compare(app, how, chosen.framework, chosen.function)
    if files is None:
        return how, app
    try:
        return how, files.put_before(app, how)
    except Exception as error:
        raise StartError(f"Django's settings could not be read: {one_line(error)}") from error


def _call(tree: str, chosen: Settings, loop: asyncio.AbstractEventLoop) -> Any:
    function = load.function(tree, chosen.file, chosen.function)
    try:
        result = function()
        if inspect.isawaitable(result):
            result = loop.run_until_complete(_wait(result))
    except (Exception, SystemExit) as error:
        raise StartError(
            f"{chosen.function}() of {chosen.file} failed: {one_line(error)}", "call"
        ) from error
    return result


async def _wait(result: Any) -> Any:
    return await result


def _close(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    asyncio.set_event_loop(None)
    loop.close()
