"""Load one function, call it, serve the application that it returns."""

from __future__ import annotations

import asyncio
import inspect
import os
from typing import TYPE_CHECKING, Any, Callable

from fngen.runtime import (
    django_settings,
    frameworks,
    kind,
    lines,
    load,
    noticed,
    server,
    settings,
)
from fngen.runtime.failure import StartError, one_line, report
from fngen.runtime.watch import Watch

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
        service = server.Service(chosen, watch.stop)
        noticed.install()
        files = _static_files(chosen)
        to_person()
        if files is not None:
            django_settings.put_static_root(chosen.static)
        result = _application(tree, chosen, loop)
        how = kind.of(result, chosen.function, chosen.framework)
        frameworks.compare(result, how, chosen.framework, chosen.function)
        app = kind.as_asgi(result, how)
        if files is not None:
            app = _before(app, files)
        return service.serve(app, loop)
    except StartError as failure:
        report(failure)
        return 1
    finally:
        watch.stop()
        _close(loop)


def _static_files(chosen: settings.Settings) -> StaticFiles | None:
    if not chosen.static:
        return None
    from fngen.runtime import static  # others need not pay for what it imports

    return static.StaticFiles(chosen.static)


def _before(app: Any, files: StaticFiles) -> Any:
    try:
        return files.put_before(app)
    except Exception as error:
        raise StartError(f"Django's settings could not be read: {one_line(error)}") from error


def _application(tree: str, chosen: settings.Settings, loop: asyncio.AbstractEventLoop) -> Any:
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
