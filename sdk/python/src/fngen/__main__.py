"""Run the program of this name: ``python -m fngen`` is ``fngen``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig

PROGRAM = "fngen.exe" if os.name == "nt" else "fngen"

MISSING = """\
error: there is no program "fngen" beside this Python
  help: the wheel of this platform has none. Install it in another way, so that it is
        on PATH, or build it: go install fngen.dev/fngen/cmd/fngen
"""


def find() -> str | None:
    """Find the program: beside this interpreter, among the user's own, then on PATH."""
    if sys.version_info >= (3, 10):
        user = sysconfig.get_preferred_scheme("user")
    else:
        user = f"{os.name}_user"
    scripts = [sysconfig.get_path("scripts"), sysconfig.get_path("scripts", user)]
    for place in [os.path.dirname(sys.executable), *scripts]:
        path = os.path.join(place, PROGRAM)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    return shutil.which(PROGRAM)


def main() -> int:
    """Become the program, or say what to do where there is none."""
    program = find()
    if program is None:
        sys.stderr.write(MISSING)
        return 1
    command = [program, *sys.argv[1:]]
    if os.name == "nt":  # exec there returns to the shell before the program has ended
        return subprocess.call(command)
    return os.execv(program, command)  # noqa: S606 - a program of our own, no shell


if __name__ == "__main__":
    sys.exit(main())
