"""Collect the static files of a Django project, in a job of the push."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import Callable

from fngen.runtime import django_settings, load
from fngen.runtime.failure import StartError, one_line, report


def run(tree: str, module: str, directory: str, to_person: Callable[[], None]) -> int:
    """Collect into directory by the settings of module; return the exit code.

    Settings without STATIC_ROOT, which asks for it, leave the directory empty.
    """
    to_person()
    sys.argv[:] = ["manage.py", "collectstatic", "--noinput"]  # settings may look there
    try:
        _find_settings(tree, module)
        _collect(directory)
    except StartError as failure:
        report(failure)
    except (Exception, SystemExit) as error:
        report(_failure(error))
    else:
        return 0
    return 1


def _failure(cause: BaseException) -> StartError:
    failure = StartError(f"collectstatic failed: {one_line(cause)}", "collect")
    failure.__cause__ = cause
    return failure


def _find_settings(tree: str, module: str) -> None:
    """Name the settings; where they are not found, the function's file may help."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", module)
    try:
        found = find_spec(os.environ["DJANGO_SETTINGS_MODULE"])
    except ModuleNotFoundError:
        found = None
    if found is None:
        load.module(tree, os.environ["FNGEN_FILE"])


def _collect(directory: str) -> None:
    import django

    django_settings.put_static_root(directory)
    django.setup()
    from django.apps import apps
    from django.conf import settings
    from django.core.management import call_command

    if not settings.STATIC_ROOT or not apps.is_installed("django.contrib.staticfiles"):
        print("nothing to collect: STATIC_ROOT or django.contrib.staticfiles is not set")
        return
    _refuse_own_location(directory)
    call_command("collectstatic", interactive=False)


def _refuse_own_location(directory: str) -> None:
    """Refuse to collect into this job's own copy of the code, which ends with it."""
    from django.contrib.staticfiles.storage import staticfiles_storage
    from django.core.files.storage import FileSystemStorage

    if not isinstance(staticfiles_storage, FileSystemStorage):
        return  # on another machine
    location = os.path.realpath(staticfiles_storage.location)
    if location != os.path.realpath(directory):
        raise StartError(
            "collectstatic failed: the storage of static files has a location of its own, "
            f"{location}, where nobody finds them: leave it out",
            "collect",
        )
