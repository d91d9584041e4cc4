"""Find the function in the tree, and import the file that it is in.

A file is imported under its dotted name, as the person's other modules import
it, so that it exists only once. Only where that name leads elsewhere (my.site.py,
a queue.py that the standard library hides) is it loaded by its place.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any, Callable

from fngen.runtime.failure import StartError, one_line


def function(tree: str, file: str, name: str) -> Callable[..., Any]:
    """Import file, a path below tree, and return its function of that name."""
    imported = module(tree, file)
    try:
        found = getattr(imported, name)
    except AttributeError:
        raise StartError(f"{file} has no function {name!r} once it is imported") from None
    if not callable(found):
        raise StartError(f"{name} of {file} is not a function but {type(found).__name__}")
    return found  # type: ignore[no-any-return]


def module(tree: str, file: str) -> ModuleType:
    """Import file, a path below tree."""
    path = os.path.join(tree, file)
    if not os.path.isfile(path):
        raise StartError(f"{file} is not in the tree")
    base, below = _root(tree, file)
    if base != tree:
        sys.path.insert(0, base)
    name = _dotted(below)
    try:
        if _leads_to(name, path):
            return importlib.import_module(name)
        return _from_place(name, path)
    except KeyboardInterrupt:
        raise
    except SystemExit as error:
        raise StartError(
            f"{file} could not be imported: it exits, {one_line(error)}", "import"
        ) from error
    except BaseException as error:
        raise StartError(f"{file} could not be imported: {one_line(error)}", "import") from error


def _root(tree: str, file: str) -> tuple[str, str]:
    """Return the directory that imports start from, and file relative to it."""
    top, _, below = file.partition("/")
    is_src_layout = top == "src" and below and not _exists(tree, "src", "__init__.py")
    return (os.path.join(tree, "src"), below) if is_src_layout else (tree, file)


def _exists(*parts: str) -> bool:
    return os.path.exists(os.path.join(*parts))


def _dotted(file: str) -> str:
    parts = file[: -len(".py")].split("/")
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    return ".".join(parts)


def _leads_to(name: str, path: str) -> bool:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if error.name and (name + ".").startswith(error.name + "."):
            return False  # a parent is not a package, or is another one
        raise
    except ValueError:  # __spec__ is None, as __main__ has it
        return False
    return spec is not None and spec.origin is not None and _same(spec.origin, path)


def _same(one: str, other: str) -> bool:
    return os.path.exists(one) and os.path.samefile(one, other)


def _from_place(name: str, path: str) -> ModuleType:
    if name in sys.modules:
        name += "_py"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look it up there
    spec.loader.exec_module(module)
    return module
