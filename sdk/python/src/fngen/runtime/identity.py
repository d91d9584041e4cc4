"""The id of a request: the router's, or one of our own."""

from __future__ import annotations

import os
import random
import re

_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def valid(given: str | None) -> str | None:
    """Return given if it can be an id."""
    return given if given and _ID.fullmatch(given) else None


# No secret, and the system would take as long for 16 bytes as a request's head does.
_random = random.Random()  # noqa: S311
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)


def made() -> str:
    """Return an id that nobody has."""
    return f"{_random.getrandbits(128):032x}"
