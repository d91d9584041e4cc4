"""Deploy Python functions: mark them with Powers, then `fngen push`."""

from __future__ import annotations

__version__ = "1.0.0"


TYPE_CHECKING = False
if TYPE_CHECKING:
    from fngen.tasks import TaskContext, TaskTimeout, on_worker_start

__all__ = ["TaskContext", "TaskTimeout", "__version__", "on_worker_start"]


def __getattr__(name: str) -> object:
    """Import modules of ours at their first use, so that ``import fngen`` alone is enough."""
    import importlib  # it costs nothing where it is not needed

    if name in ("powers", "tasks"):
        return importlib.import_module(f"{__name__}.{name}")
    if name in __all__:
        return getattr(importlib.import_module(f"{__name__}.tasks"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
