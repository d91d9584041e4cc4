"""Start a function as boot.py does, and end when `fngen dev` ends, however that ends.

Standard input is a pipe that nobody writes to. Its other end closes when `fngen dev`
is no more, also after a kill -9.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def end_with_parent() -> None:
    """Take standard input away from the code, and end everything when it ends."""
    pipe = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=_wait, args=(pipe,), name="fngen-dev", daemon=True).start()


def _wait(pipe: int) -> None:
    while os.read(pipe, 1):
        pass
    if hasattr(os, "killpg"):  # its children too: `fngen dev` gave it a group of its own
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


# multiprocessing imports this file again in the processes that it spawns.
if __name__ == "__main__":
    end_with_parent()
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.realpath(path) != os.path.realpath(here)]
    runpy.run_path(os.path.join(os.path.dirname(here), "boot.py"), run_name="__main__")
