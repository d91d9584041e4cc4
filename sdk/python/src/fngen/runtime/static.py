"""Serve the static files of Django that the push collected.

The agent has put them into a directory that is named after the code they were
collected of; beside it are those of other releases that this node has run. While
a release replaces another, a page of one may ask an instance of the other for
its files. Files with a hash of their content in their names mean the same in
every release, so they are served from beside, too.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from whitenoise import WhiteNoise
from whitenoise.responders import Response

from fngen.runtime import django_settings
from fngen.runtime.edge import Receive, Scope, Send
from fngen.runtime.wsgi.environ import FileWrapper

# site.5d41402abc4b.css, as Django names a file when it hashes its content.
_HASHED = r"\.[0-9a-f]{12}\.[^/]+$"
_CHUNK = 64 * 1024
# Of a request, what the answer depends on.
_READ = (b"accept-encoding", b"if-modified-since", b"if-none-match", b"if-range", b"range")


class StaticFiles:
    """Files that are answered before the person's application is asked."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._files = _noise()

    def put_before(self, app: Any, how: str) -> Any:
        """Return app, called by how, with the files before it; Django's settings are loaded."""
        if not os.listdir(self._directory):
            return app  # STATIC_ROOT is not set
        self._app, self._prefix = app, django_settings.static_prefix()
        if not django_settings.serves_static_files():
            self._files.add_files(self._directory, self._prefix)
        return self._asgi if how == "asgi" else self._wsgi

    def _wsgi(self, environ: dict[str, Any], start: Any) -> Any:
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        file = self._known(path)
        if file is None and self._may_be_anothers(path):
            file = self._of_another_release(path)
        if file is None:
            return self._app(environ, start)
        if environ.get("HTTP_IF_RANGE"):
            environ.pop("HTTP_RANGE", None)  # a part of what may be another file by now: send all
        response = file.get_response(environ["REQUEST_METHOD"], environ)
        headers = list(response.headers)
        if response.file is None and response.status >= 400:
            headers.append(("content-length", "0"))
        start(f"{int(response.status)} {response.status.phrase}", headers)
        return [] if response.file is None else FileWrapper(response.file)

    async def _asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for a file; all else is the person's."""
        file = await self._find(scope["path"]) if scope["type"] == "http" else None
        if file is None:
            await self._app(scope, receive, send)
            return
        response = await asyncio.to_thread(file.get_response, scope["method"], _environ(scope))
        await _send(response, send)

    async def _find(self, path: str) -> Any:
        found = self._known(path)
        if found is None and self._may_be_anothers(path):
            found = await asyncio.to_thread(self._of_another_release, path)
        return found

    def _known(self, path: str) -> Any:
        return self._files.files.get(path) if self._is_below(path) else None

    def _may_be_anothers(self, path: str) -> bool:
        return self._is_below(path) and bool(self._files.immutable_file_test("", path))

    def _is_below(self, path: str) -> bool:
        return "/." not in path and path.startswith(self._prefix)

    def _of_another_release(self, path: str) -> Any:
        """Look on the disk, where a release that starts now adds its files."""
        others = _noise(autorefresh=True)
        parent, own = os.path.split(self._directory)
        for name in os.listdir(parent):
            if name != own and not name.startswith("."):  # one that is not complete yet
                others.add_files(os.path.join(parent, name), self._prefix)
        return others.find_file(path)


def _noise(autorefresh: bool = False) -> WhiteNoise:
    return WhiteNoise(None, autorefresh=autorefresh, immutable_file_test=_HASHED)


def _environ(scope: Scope) -> dict[str, str]:
    """Return the headers that matter as WSGI has them."""
    out = {}
    for name, value in scope["headers"]:
        if name in _READ:
            out["HTTP_" + name.decode().upper().replace("-", "_")] = value.decode("latin-1")
    if out.pop("HTTP_IF_RANGE", None):
        out.pop("HTTP_RANGE", None)  # a part of what may be another file by now: send all
    return out


async def _send(response: Response, send: Send) -> None:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.headers]
    if response.file is None and response.status >= 400:
        headers.append((b"content-length", b"0"))
    start = {"type": "http.response.start", "status": int(response.status), "headers": headers}
    await send(start)
    if response.file is not None:
        with response.file as file:
            while chunk := await asyncio.to_thread(file.read, _CHUNK):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
