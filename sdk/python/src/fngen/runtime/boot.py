"""Start one function, collect static files, or write schemas. Run by the layer's interpreter.

The order of sys.path is the whole purpose of this file:

1. While our own modules are imported and the server is set up, the runtime
   directory comes first, so that no fngen.py or uvicorn.py in the tree, and no
   pin in the layer, changes what runs here.
2. Then the tree comes first, as when the code is run from there, and the
   runtime directory last: a person's own pins win over the platform's.
"""

from __future__ import annotations

import os
import sys


def boot() -> int:
    """Import the runtime, set up sys.path for the person's code, and run it."""
    tree = os.getcwd()
    here = os.path.dirname(os.path.abspath(__file__))
    ours = os.path.realpath(here)  # Python put it first, with its links resolved
    given = os.environ.get("FNGEN_RUNTIME")
    directory = os.path.abspath(given) if given else os.path.dirname(os.path.dirname(here))
    inherited = [_lasting(path) for path in sys.path if path and os.path.realpath(path) != ours]

    sys.path[:] = [directory, *inherited]
    from fngen.runtime import isolation

    def to_person() -> None:
        sys.path[:] = [tree, *inherited, directory]
        isolation.give_back(tree, inherited, directory)

    if sys.argv[1:2] == ["collect"]:
        from fngen.runtime import collect

        return collect.run(tree, sys.argv[2], sys.argv[3], to_person)

    if sys.argv[1:2] == ["schemas"]:
        from fngen.runtime import schemas

        return schemas.run(tree, sys.argv[2], sys.argv[3:], to_person)

    if sys.argv[1:2] == ["dev-tasks"]:
        from fngen.runtime.dev import tasks

        return tasks.run(tree, to_person)

    if os.environ.get("FNGEN_POWER") == "task_worker":
        from fngen.runtime.work import zygote

        return zygote.run(tree, to_person)

    from fngen.runtime import main

    return main.run(tree, to_person)


def _lasting(path: str) -> str:
    """Name the standard library by the place of its patch, which stays as it is.

    The platform's name for a version may lead to a newer patch in a moment, and
    what is imported late must fit what was imported before.
    """
    return os.path.realpath(path) if path.startswith(sys.base_prefix + os.sep) else path


# multiprocessing imports this file again in the processes that it spawns.
if __name__ == "__main__":
    sys.exit(boot())
