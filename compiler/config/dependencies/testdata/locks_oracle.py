"""Asks Poetry, PDM and Pipenv what they would install from a lock."""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement


def poetry(directory):
    from cleo.io.buffered_io import BufferedIO
    from poetry.factory import Factory
    from poetry_plugin_export.exporter import Exporter

    project = Factory().create_poetry(directory)
    out = BufferedIO()
    Exporter(project, out).export("requirements.txt", directory, out)
    return out.fetch_output(), project.locker.is_fresh()


def pdm(directory):
    from pdm.core import Core

    core = Core()
    target = directory / "out.txt"
    core.main(["export", "--prod", "-p", str(directory), "-f", "requirements", "-o", str(target)])
    return target.read_text(), core.create_project(directory).is_lockfile_hash_match()


def pipenv(directory):
    done = subprocess.run(
        [sys.executable, "-m", "pipenv", "requirements", "--hash"], cwd=directory, capture_output=True, text=True, check=True
    )
    verify = subprocess.run([sys.executable, "-m", "pipenv", "verify"], cwd=directory, capture_output=True, text=True)
    return done.stdout, verify.returncode == 0


def parsed(lines):
    """Requirements with their hashes."""
    for line in lines:
        line = line.strip()
        if not line or line.startswith(("#", "-")):
            continue
        text, *hashes = line.split(" --hash=")
        yield Requirement(text.strip()), sorted(h.strip() for h in hashes)


def chosen(lines, python):
    environment = dict(default_environment(), python_version=python, python_full_version=python + ".2", implementation_version=python + ".2")
    environment.update(sys_platform="linux", platform_machine="x86_64", os_name="posix", platform_system="Linux", extra="")
    out = set()
    for requirement, hashes in parsed(lines):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            out.add(" ".join([re.sub(r"[-_.]+", "-", requirement.name).lower() + str(requirement.specifier), *hashes]))
    return out


def judge(case):
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for file, text in case["Files"].items():
            (directory / file).write_text(text)
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                text, fresh = {"poetry": poetry, "pdm": pdm, "pipenv": pipenv}[case["Tool"]](directory)
        except (Exception, SystemExit) as error:  # it says why
            return {"Error": f"{type(error).__name__}: {error}"[:500]}
    lines = re.sub(r"\\\n", " ", text).splitlines()
    verdict = {"Fresh": bool(fresh), "Missing": {}, "Extra": {}, "Lines": len(list(parsed(lines)))}
    for python, ours in case["Lines"].items():
        theirs = chosen(lines, python)
        verdict["Missing"][python] = sorted(theirs - chosen(ours, python))
        verdict["Extra"][python] = sorted(chosen(ours, python) - theirs)
    return verdict


os.environ["POETRY_VIRTUALENVS_CREATE"] = "false"
print("\n" + json.dumps([judge(case) for case in json.load(sys.stdin)]))
