"""Whose code a frame of a traceback is, and what its file is called.

A person knows their files by their place in the tree, and what they installed by
its name; where the platform has put both is of no use to them.
"""

from __future__ import annotations

import importlib
import os
import sysconfig

# The runtime starts in the tree, before any of the person's code runs.
_TREE = tuple({os.path.join(path, "") for path in (os.getcwd(), os.path.realpath(os.getcwd()))})
_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
_IMPORTLIB = ("<frozen importlib", importlib.__file__, os.path.dirname(importlib.__file__) + os.sep)
# By the name that a node has for its Python, and by where that leads: what was
# imported before boot.py has the one, the rest the other.
_STDLIB = tuple(
    {
        os.path.join(path(sysconfig.get_path(key)), "")
        for key in ("stdlib", "platstdlib")
        for path in (str, os.path.realpath)
    }
)
_PACKAGES = f"{os.sep}site-packages{os.sep}"
_RUNTIME = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(_OURS))), "")


def is_ours(file: str) -> bool:
    """Report whether a frame is the runtime's, or the import system's."""
    return file.startswith((_OURS, *_IMPORTLIB))


def is_persons(file: str) -> bool:
    """Report whether a frame is of the tree."""
    return file.startswith(_TREE) and _PACKAGES not in file


def short(file: str) -> str:
    """Name a file as the person knows it."""
    if _PACKAGES in file:
        return file.rpartition(_PACKAGES)[2]
    for root in (*_TREE, _RUNTIME, *_STDLIB):
        if file.startswith(root):
            return file[len(root) :]
    return file


def package(file: str) -> str:
    """Name what a frame that is not the person's belongs to."""
    if _PACKAGES not in file and (file.startswith(("<frozen ", *_STDLIB))):
        return "Python"
    name = short(file).partition(os.sep)[0]
    return name[: -len(".py")] if name.endswith(".py") else name
