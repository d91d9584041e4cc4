"""Requests by which the platform finds out which instances its router leads to."""

from __future__ import annotations

from fngen.runtime.settings import Settings

# How much of its name an instance tells anybody.
_SHOWN = 8


class Probes:
    """Tells the platform's probes from those of strangers.

    Anybody may ask which instance answers, and gets the beginning of its name. The
    platform names the instances that it waits for in whole: no stranger can, so that
    nobody else's request is missing in the log.
    """

    def __init__(self, settings: Settings) -> None:
        self._name = settings.allocation
        self._release = settings.release

    def ours(self, value: str) -> bool:
        """Say whether a probe is the platform's, by the value of its header."""
        return bool(self._name) and self._name in value.split(",")

    def answer(self, value: str) -> list[tuple[str, str]]:
        """Return the headers by which a probe is answered."""
        name = self._name if self.ours(value) else self._name[:_SHOWN]
        return [("fngen-release", self._release), ("fngen-allocation", name)]
