"""Keep the platform's modules and the person's apart in one process.

The runtime has imported its own web server by now. Where the person's tree or
layer has a module of the same name, their code must get theirs, whatever its
version. So ours is taken out of sys.modules: the server, which imports nothing
more while it runs, keeps its references, and the next import finds theirs.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder


def give_back(tree: str, inherited: list[str], runtime: str) -> None:
    """Forget each module of the runtime directory that the person has too.

    All but fngen: on the platform it is the platform's own, whatever a tree or a
    layer has of that name.
    """
    ours = {name.partition(".")[0] for name in sys.modules if _is_below(name, runtime)}
    for package in sorted(ours - {"fngen"}):
        if _offers([tree, *inherited], package):
            _forget(package)


def _is_below(module: str, directory: str) -> bool:
    file = getattr(sys.modules[module], "__file__", None) or ""
    return file.startswith(directory + os.sep)


def _offers(path: list[str], package: str) -> bool:
    spec = PathFinder.find_spec(package, path)
    return spec is not None and spec.loader is not None and spec.origin is not None


def _forget(package: str) -> None:
    for name in list(sys.modules):
        if name == package or name.startswith(package + "."):
            del sys.modules[name]
