"""The id of a request: the router's, or one of our own."""

from __future__ import annotations

import os
import re

_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def valid(given: str | None) -> str | None:
    """Return given if it can be an id."""
    return given if given and _ID.fullmatch(given) else None


def made() -> str:
    """Return an id that nobody has."""
    return os.urandom(16).hex()
