"""Health checks: which answers are good ones, and what a bad one came of.

This is the one place that knows. Who asks, Consul and the control plane, goes by
2xx and has no redirect to follow, so a good answer goes out as 200.
"""

from __future__ import annotations

from fngen.runtime import cause
from fngen.runtime.settings import Settings


class Checks:
    """The checks of one function."""

    def __init__(self, settings: Settings) -> None:
        self.path = settings.health
        # Answers with a lower status mean that the function is well.
        self.well_below = settings.well_below
        # The id of the fault that the last check failed with.
        self._failing: str | None = ""

    def keep(self, status: int, errors: list[BaseException]) -> None:
        """Keep what a check failed with for the control plane."""
        if status != 500:
            self._failing = ""
            return
        record = cause.of_text("request", "")
        if errors:
            record = cause.of_error("request", errors[-1])
        if self._failing != record.get("id"):
            cause.write(record)
            self._failing = record.get("id")
