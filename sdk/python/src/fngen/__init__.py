"""Deploy Python functions: mark them with Powers, then `fngen push`."""

from __future__ import annotations

__version__ = "1.0.0"


def __getattr__(name: str) -> object:
    """Import fngen.powers at its first use, so that ``import fngen`` alone is enough."""
    if name != "powers":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # it costs nothing where it is not needed

    return importlib.import_module(f"{__name__}.powers")
