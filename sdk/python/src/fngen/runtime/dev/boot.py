"""Start a function as boot.py does, and end when `fngen dev` ends, however that ends.

Standard input is a pipe of `fngen dev`. A line on it names a file, into which the
files of all modules are written that are imported by then. Its other end closes when
`fngen dev` is no more, also after a kill -9.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
from types import ModuleType


def end_with_parent() -> None:
    """Take standard input away from the code, and end everything when it ends."""
    pipe = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=_wait, args=(pipe,), name="fngen-dev", daemon=True).start()


def _wait(pipe: int) -> None:
    asked = b""
    while data := os.read(pipe, 4096):
        *names, asked = (asked + data).split(b"\n")
        for name in names:
            _answer(os.fsdecode(name))
    if hasattr(os, "killpg"):  # its children too: `fngen dev` gave it a group of its own
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


def _answer(name: str) -> None:
    """Write the files of the imported modules, whole or not at all."""
    try:
        with open(name + ".part", "w", encoding="utf-8", errors="surrogateescape") as out:
            out.write("\n".join(sorted(_imported())))
        os.replace(name + ".part", name)
    except OSError:
        pass  # without an answer the function is started anew


def _imported() -> set[str]:
    files = set()
    for module in list(sys.modules.values()):
        if isinstance(module, ModuleType):
            # Not by an attribute: a module that is imported lazily would be imported.
            file = ModuleType.__getattribute__(module, "__dict__").get("__file__")
            if isinstance(file, str):
                files.add(os.path.abspath(file))
    return files


# multiprocessing imports this file again in the processes that it spawns.
if __name__ == "__main__":
    end_with_parent()
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.realpath(path) != os.path.realpath(here)]
    runpy.run_path(os.path.join(os.path.dirname(here), "boot.py"), run_name="__main__")
