"""One line for each request that was answered, whatever the application is of."""

from __future__ import annotations

from fngen.runtime import lines


def note(method: str, path: str, status: int, seconds: float) -> None:
    """Tell of a request in the work of which this is called; status 0 is no answer."""
    if not lines.installed():
        return
    milliseconds = round(seconds * 1000, 2)
    answer = {"method": method, "path": path, "status": status, "duration_ms": milliseconds}
    level = "ERROR" if status >= 500 or status == 0 else "INFO"
    lines.send(
        "stdout", f"{method} {path} {status} {milliseconds}ms", level, n="fngen.access", a=answer
    )
