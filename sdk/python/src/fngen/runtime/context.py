"""What is known about the work in hand, for whoever writes a log line."""

from __future__ import annotations

from contextvars import ContextVar

# None outside a request.
request_id: ContextVar[str | None] = ContextVar("fngen_request_id", default=None)
