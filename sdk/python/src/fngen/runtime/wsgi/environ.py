"""The environment of WSGI that a request makes (PEP 3333)."""

from __future__ import annotations

import sys
from typing import Any, BinaryIO
from urllib.parse import unquote_to_bytes

from fngen.runtime.proxies import Proxies
from fngen.runtime.wsgi.parser import Request

Environ = dict[str, Any]

# The names of fields, of which people use few, as variables.
_names: dict[bytes, str] = {b"Content-Type": "CONTENT_TYPE", b"Content-Length": "CONTENT_LENGTH"}
_MOST_NAMES = 1000


class UnfitTargetError(ValueError):
    """The target of the request is no path."""


class Maker:
    """Makes the environments of one server."""

    def __init__(self, host: str, port: int, proxies: str) -> None:
        self._proxies = Proxies(proxies)
        self._base: Environ = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "SERVER_SOFTWARE": "fngen",
            "wsgi.version": (1, 0),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
            "wsgi.file_wrapper": FileWrapper,
        }

    def make(self, request: Request, peer: tuple[str, int], body: BinaryIO) -> Environ:
        """Return the environment of request, which peer has sent."""
        path, query = _split(request.target)
        environ = self._base.copy()
        environ["REQUEST_METHOD"] = request.method
        environ["REQUEST_URI"] = environ["RAW_URI"] = request.target.decode("latin-1")
        environ["PATH_INFO"] = path
        environ["QUERY_STRING"] = query
        environ["SERVER_PROTOCOL"] = "HTTP/" + request.version
        environ["REMOTE_ADDR"] = peer[0]
        environ["REMOTE_PORT"] = str(peer[1])
        environ["wsgi.url_scheme"] = "http"
        environ["wsgi.input"] = body
        for name, value in request.headers:
            variable = _names.get(name) or _variable(name)
            text = value.decode("latin-1")
            if variable in environ:
                separator = "; " if variable == "HTTP_COOKIE" else ","
                text = environ[variable] + separator + text
            environ[variable] = text
        self._through_proxy(environ, peer[0])
        return environ

    def _through_proxy(self, environ: Environ, peer: str) -> None:
        """Believe the router's word on who asks, and by which scheme."""
        if not self._proxies.trusts(peer):
            return
        scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").strip()
        if scheme in ("http", "https"):
            environ["wsgi.url_scheme"] = scheme
        given = environ.get("HTTP_X_FORWARDED_FOR")
        if given:
            client = self._proxies.client(given)
            if client:
                environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = client, "0"


class FileWrapper:
    """wsgi.file_wrapper: a file as the parts of an answer."""

    def __init__(self, file: BinaryIO, block: int = 64 * 1024) -> None:
        self._file = file
        self._block = block

    def __iter__(self) -> FileWrapper:
        return self

    def __next__(self) -> bytes:
        data = self._file.read(self._block)
        if not data:
            raise StopIteration
        return data

    def close(self) -> None:
        """Close the file."""
        close = getattr(self._file, "close", None)
        if close is not None:
            close()


def _split(target: bytes) -> tuple[str, str]:
    """Return the path, decoded, and the query of a target."""
    path, _, query = target.partition(b"?")
    if not path.startswith(b"/") and path != b"*":
        scheme, separator, rest = path.partition(b"://")
        if not separator or not scheme.isalpha():
            raise UnfitTargetError
        path = b"/" + rest.partition(b"/")[2]  # the whole of a URL, as a proxy is asked
    if b"%" in path:
        path = unquote_to_bytes(path)
    return path.decode("latin-1"), query.partition(b"#")[0].decode("latin-1")


def _variable(name: bytes) -> str:
    variable = name.decode("latin-1").upper().replace("-", "_")
    if variable not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        variable = "HTTP_" + variable
    if len(_names) < _MOST_NAMES:
        _names[name] = variable
    return variable
