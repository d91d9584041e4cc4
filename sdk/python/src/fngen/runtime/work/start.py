"""Calls what the person marked with @on_worker_start, once in each worker."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from fngen import tasks


class Start:
    """What is still to be called before a task. One that raises is called again."""

    def __init__(self) -> None:
        self._left = list(tasks.starts)
        # Made in the event loop whose it is: Python 3.9 takes it for one that is there.
        self._turn: asyncio.Lock | None = None

    def run(self) -> None:
        """Call what is left, in a worker that runs one task at a time."""
        while self._left:
            made = self._left[0]()
            if inspect.isawaitable(made):
                asyncio.run(_awaited(made))
            del self._left[0]

    async def run_async(self) -> None:
        """Call what is left; tasks that come meanwhile wait."""
        if not self._left:
            return
        self._turn = self._turn or asyncio.Lock()
        async with self._turn:
            while self._left:
                made = self._left[0]()
                if inspect.isawaitable(made):
                    await made
                del self._left[0]


async def _awaited(value: Any) -> Any:
    return await value
