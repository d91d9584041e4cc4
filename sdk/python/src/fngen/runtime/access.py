"""One line for each request that was answered, whatever the application is of.

It is with the agent before the last of the answer leaves: several lines in one write would
cost less (a write takes 2 to 3 µs of a request's 30), and be lost with a process that dies.
"""

from __future__ import annotations

from json.encoder import encode_basestring as quoted

from fngen.runtime import context, lines

# As pkg/agent/capture has it.
_NAME = "fngen.access"
# json.dumps takes as long for it as all the rest of a line.
_PACKET = (
    '{"s":"stdout","m":%s,"l":"%s","n":"fngen.access",'
    '"a":{"method":%s,"path":%s,"status":%d,"duration_ms":%s},"r":%s}'
)
# A path up to this length makes no packet that is too large, whatever is escaped in it.
_SHORT_PATH = 4096


def note(method: str, path: str, status: int, seconds: float) -> None:
    """Tell of a request in the work of which this is called; status 0 is no answer."""
    if not lines.installed():
        return
    milliseconds = round(seconds * 1000, 2)
    message = f"{method} {path} {status} {milliseconds}ms"
    level = "ERROR" if status >= 500 or status == 0 else "INFO"
    request = context.request_id.get()
    if request is not None and len(path) <= _SHORT_PATH:
        answer = (quoted(method), quoted(path), status, milliseconds)
        packet = _PACKET % (quoted(message), level, *answer, quoted(request))
        lines.put(packet.encode(errors="replace"))
        return
    told = {"method": method, "path": path, "status": status, "duration_ms": milliseconds}
    lines.send("stdout", message, level, n=_NAME, a=told)
