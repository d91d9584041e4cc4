"""What can go wrong between a program and the platform."""

from __future__ import annotations

from typing import Any


class PlatformError(Exception):
    """The platform refused, or could not be reached. code says which it is."""

    def __init__(self, code: str, message: str, faults: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.code = code
        # Each field of a payload that does not fit, with its place: loc.
        self.faults = faults or []


class BadPayload(PlatformError):  # noqa: N818  # a name that people read
    """The payload does not fit the function. Nothing was queued."""


class TaskFailed(Exception):  # noqa: N818  # a name that people read
    """A task that was waited for did not succeed; task is what is known of it."""

    def __init__(self, task: Any) -> None:
        error = task.error or {}
        said = error.get("message") or error.get("reason") or "nobody says why"
        kind = f"{error['type']}: " if error.get("type") else ""
        super().__init__(f"task {task.id} of {task.function} {task.state}: {kind}{said}")
        self.task = task


def of_answer(status: int, body: Any) -> PlatformError:
    """Make an error of an answer that is no success."""
    problem = body if isinstance(body, dict) else {}
    code = str(problem.get("code") or f"http_{status}")
    message = str(
        problem.get("detail") or problem.get("title") or f"the platform answered {status}"
    )
    faults = problem.get("faults")
    if isinstance(faults, list) and faults:
        message += "".join(f"\n  {_fault(fault)}" for fault in faults)
        return BadPayload(code, message, faults)
    return PlatformError(code, message)


def _fault(fault: dict[str, Any]) -> str:
    text = ""
    for part in fault.get("loc", ()):
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return f"{text}: {fault.get('msg', '')}" if text else str(fault.get("msg", ""))
