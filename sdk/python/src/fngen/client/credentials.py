"""Where the platform is, and who asks: the same places as the CLI's."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from fngen.client.errors import PlatformError

_DEFAULT_URL = "https://api.fngen.dev"
_KEY = re.compile(r"fngen_[0-9A-Za-z]{33}", re.ASCII)
_LINE = re.compile(r"\s*(api_key|api_url|ca_cert)\s*:\s*(.*?)\s*", re.ASCII)


class Credentials(NamedTuple):
    """A platform, and the key for it."""

    url: str
    key: str
    ca_cert: str

    def __repr__(self) -> str:
        return f"Credentials(url={self.url!r})"  # a key is never shown


def find() -> Credentials:
    """Take each value from the environment, else from ~/.fngen/credentials.yml."""
    file = _file() if not os.environ.get("FNGEN_API_KEY") else _file_if_any()
    key = os.environ.get("FNGEN_API_KEY", "").strip() or file.get("api_key", "")
    if not key:
        raise PlatformError(
            "unauthenticated",
            "there is no API key: set FNGEN_API_KEY, or write it to ~/.fngen/credentials.yml as "
            "api_key: fngen_...",
        )
    if not _KEY.fullmatch(key):
        raise PlatformError(
            "unauthenticated", "the API key is not one of fngen: fngen_ and 33 letters or digits"
        )
    url = os.environ.get("FNGEN_API_URL") or file.get("api_url") or _DEFAULT_URL
    return Credentials(
        url.rstrip("/"), key, os.environ.get("FNGEN_CA_CERT") or file.get("ca_cert", "")
    )


def _file_if_any() -> dict[str, str]:
    try:
        return _file()
    except PlatformError:
        return {}


def _file() -> dict[str, str]:
    path = os.path.expanduser("~/.fngen/credentials.yml")
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise PlatformError("unauthenticated", f"~/.fngen/credentials.yml: {error}") from None
    found = {}
    for line in lines:
        match = _LINE.fullmatch(line.partition(" #")[0])
        if match:
            found[match[1]] = match[2].strip("'\"")
    return found
