"""The attempt's log: one JSON object a line on stdout, redacted, and the last lines kept for the report.

It is read on terminals, mostly by `kubectl logs`, which writes it as it is.
"""

from __future__ import annotations

import sys
from collections import deque
from typing import TYPE_CHECKING, Any, TextIO

import structlog

from publishbuild.printable import json_line

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from structlog.typing import FilteringBoundLogger

    from publishbuild.runner.redact import Redactor

TAIL_BYTES = 2048
_NOT_IN_TAIL = frozenset({"event", "level", "timestamp"})


class LogTail:
    """The last 2 KiB of the log in the form that people read, for ``failure.logTail``."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=200)

    def add(self, line: str) -> None:
        """Remember one line; the oldest go."""
        self._lines.append(line.encode("utf-8", "replace").decode())

    def text(self) -> str | None:
        """Whole lines, newest last, of at most 2,048 bytes; None when nothing was said."""
        kept: list[str] = []
        size = 0
        for line in reversed(self._lines):
            size += len(line.encode()) + (1 if kept else 0)
            if size > TAIL_BYTES and kept:
                break
            kept.append(line)
        # One line alone may be too long: its end is kept.
        cut = "\n".join(reversed(kept)).encode()[-TAIL_BYTES:]
        return cut.decode("utf-8", "ignore") or None


def make_log(redactor: Redactor, tail: LogTail, stream: TextIO | None = None) -> FilteringBoundLogger:
    """A logger whose every line is redacted before it is written or remembered."""

    def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        ordered = {**{key: event[key] for key in ("timestamp", "level", "event")}, **event}
        return {key: redactor(value) if isinstance(value, str) else value for key, value in ordered.items()}

    def remember(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        facts = " ".join(f"{key}={value}" for key, value in event.items() if key not in _NOT_IN_TAIL)
        line = event["event"] if event.get("output") else f"{event['event']} {facts}".strip()
        tail.add(str(line))
        return event

    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(stream or sys.stdout),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            remember,
            structlog.processors.JSONRenderer(serializer=json_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        cache_logger_on_first_use=False,
    )
    return logger
