"""Logs by structlog: one JSON object a line for machines, or coloured lines for people.

Libraries that use the standard logging module (kopf, redis, aiohttp) come out in the same form.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import structlog

from publishbuild.printable import printable

# What ends a watch is logged once, by `publishbuild.handlers`; kopf would add its traceback for each of its tasks.
_QUIETER = {
    "kopf": logging.ERROR,
    "kopf._core.reactor.running": logging.CRITICAL,
    "aiohttp.access": logging.ERROR,
    "asyncio": logging.ERROR,
}


_FIRST = ("time", "level", "event")


def _json_line(_: Any, __: str, event: structlog.typing.EventDict) -> str:
    """One JSON object a line, what people look for first."""
    ordered = {key: event.pop(key) for key in _FIRST if key in event}
    return json.dumps({**ordered, **event}, default=str)


_OF_SEVERAL_LINES = ("exception", "stack")


def _for_people(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Builds' words on a terminal: one line, and of a traceback no line that begins where an event does."""
    traces = {key: event.pop(key) for key in _OF_SEVERAL_LINES if key in event}
    shown = {
        printable(key): printable(value if isinstance(value, str) else repr(value)) for key, value in event.items()
    }
    return shown | {
        key: "\n".join(f"  {printable(line)}" for line in str(text).split("\n")) for key, text in traces.items()
    }


def set_up_logs(level: str, form: str) -> None:
    """Send all logs to standard output from ``level`` up, as ``json`` or for the ``console``."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    last: list[structlog.typing.Processor] = (
        [_json_line]
        if form == "json"
        else [structlog.processors.format_exc_info, _for_people, structlog.dev.ConsoleRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name, quieter in _QUIETER.items():
        logging.getLogger(name).setLevel(quieter)
