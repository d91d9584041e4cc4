"""The outermost layer of an application of WSGI: request id, probe, drain, errors."""

from __future__ import annotations

import contextvars
import logging
from time import perf_counter
from typing import Any, Callable

from fngen.runtime import access, cause, identity, request_errors
from fngen.runtime.checks import Checks
from fngen.runtime.context import request_id
from fngen.runtime.failure import person_traceback
from fngen.runtime.overload import Overload
from fngen.runtime.probes import Probes
from fngen.runtime.scoreboard import Slot
from fngen.runtime.settings import Settings
from fngen.runtime.traffic import Traffic
from fngen.runtime.wsgi import answer as answers
from fngen.runtime.wsgi import body
from fngen.runtime.wsgi.answer import Answer
from fngen.runtime.wsgi.connection import Connection, GoneError
from fngen.runtime.wsgi.environ import Environ, Maker, UnfitTargetError
from fngen.runtime.wsgi.parser import Request

_log = logging.getLogger("fngen")
_REFUSALS = {
    400: "400 Bad Request",
    408: "408 Request Timeout",
    413: "413 Content Too Large",
    431: "431 Request Header Fields Too Large",
}


class Edge:
    """Serves requests with the person's application, which is set once it is loaded."""

    app: Any
    # How many requests are begun.
    in_work: Callable[[], int]

    def __init__(
        self, settings: Settings, traffic: Traffic, overload: Overload, slot: Slot
    ) -> None:
        self._traffic = traffic
        self._slot = slot
        self._overload = overload
        self._checks = Checks(settings)
        # As WSGI has paths: their bytes, each as one letter.
        self._check_path = settings.health.encode().decode("latin-1")
        self._maker = Maker(settings.host, settings.port, settings.proxies)
        self._probes = Probes(settings)
        self._context = contextvars.copy_context()

    def serve(self, connection: Connection) -> None:
        """Answer the next request of a connection."""
        request = connection.take()
        if request is None:
            self._refuse(connection, connection.refusal)
            return
        if connection.is_too_large(request):
            self._refuse(connection, 413)
            return
        try:
            keep = self._answer(request, connection)
        except GoneError:
            connection.close()
            return
        connection.done(request, keep)

    def _answer(self, request: Request, connection: Connection) -> bool:
        answer = Answer(connection.send, request.version, request.method, request.keep_alive)
        stream = body.reader(request, _receiver(request, connection, answer))
        try:
            environ = self._maker.make(request, connection.peer, stream)
        except UnfitTargetError:
            self._refuse(connection, 400)
            return False
        given = environ.get("HTTP_X_REQUEST_ID")
        name = identity.valid(given) or identity.made()
        environ["HTTP_X_REQUEST_ID"] = name
        answer.extra = [("x-request-id", name)]
        if "HTTP_FNGEN_PROBE" in environ:
            answer.extra += self._probes.answer(environ["HTTP_FNGEN_PROBE"])
        answer.traffic = self._traffic
        note = self._slot.begin(request.method, environ["PATH_INFO"], name)
        try:
            self._context.copy().run(self._in_context, environ, answer, name)
        finally:
            self._slot.end(note)
        return answer.keep_alive

    def _in_context(self, environ: Environ, answer: Answer, name: str) -> None:
        request_id.set(name)
        if self._is_check(environ):
            if self._traffic.draining:
                _say(answer, "503 Service Unavailable", "draining\n")
                return
            answer.well_below = self._checks.well_below
            with request_errors.collect() as errors:
                self._call(environ, answer)
            self._checks.keep(answer.status, errors)
            return
        began = perf_counter()
        try:
            self._serve(environ, answer)
        finally:
            if not self._probes.ours(environ.get("HTTP_FNGEN_PROBE", "")):
                self._note(environ, answer, perf_counter() - began)

    def _note(self, environ: Environ, answer: Answer, seconds: float) -> None:
        path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
        access.note(environ["REQUEST_METHOD"], path, answer.status, seconds)

    def _serve(self, environ: Environ, answer: Answer) -> None:
        self._traffic.note()
        if self._overload.refuses(self.in_work()):
            answer.extra.append(("retry-after", self._overload.retry_after))
            _say(answer, "503 Service Unavailable", "overloaded\n")
            return
        self._call(environ, answer)

    def _is_check(self, environ: Environ) -> bool:
        # What came through the router says for whom, and is never a check: a stranger
        # must not have an answer under another status than people get.
        return (
            environ.get("HTTP_FNGEN_CHECK") == "1"
            and environ["PATH_INFO"] == self._check_path
            and "HTTP_X_FORWARDED_FOR" not in environ
        )

    def _call(self, environ: Environ, answer: Answer) -> None:
        try:
            answers.run(self.app, environ, answer)
        except GoneError:
            raise
        except body.BrokenBodyError:
            answer.keep_alive = False
            if not answer.begun:
                _say(answer, _REFUSALS[400], "the body of the request is broken\n")
        except BaseException as error:
            self._fail(error, answer)

    def _fail(self, error: BaseException, answer: Answer) -> None:
        """Log an error that the application let through, and answer if it did not.

        An error after a complete answer is only logged: a proxy may have used the
        connection for its next request.
        """
        request_errors.note(error)
        told = {"fngen_error": cause.identity(error)}
        _log.error("%s", person_traceback(error).rstrip(), extra=told)
        if not answer.begun:
            _say(answer, "500 Internal Server Error", "Internal Server Error")
        elif not answer.complete:
            answer.keep_alive = False

    def _refuse(self, connection: Connection, number: int) -> None:
        status = _REFUSALS.get(number, _REFUSALS[400])
        try:
            answers.of_text(connection.send, status, status[4:] + "\n")
        except GoneError:
            connection.close()
        else:
            connection.finish()


def _receiver(request: Request, connection: Connection, answer: Answer) -> Any:
    """Return what receives more of the body; it asks the client for it first."""
    asked = not request.expects

    def more() -> None:
        nonlocal asked
        if not asked and not answer.begun:
            connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        asked = True
        # Told here, since an application makes an error of its own of what it is raised.
        try:
            connection.more()
        except body.LargeBodyError:
            answer.refuse(_REFUSALS[413], "content too large\n")
            raise
        except body.SlowBodyError:
            answer.refuse(_REFUSALS[408], "request timeout\n")
            raise
        except body.CrowdedError:
            answer.extra.append(("retry-after", Overload.retry_after))
            answer.refuse("503 Service Unavailable", "too many slow requests\n")
            raise

    return more


def _say(answer: Answer, status: str, text: str) -> None:
    answer.replace(status, [("content-type", "text/plain; charset=utf-8")])
    answer.whole(text.encode())
