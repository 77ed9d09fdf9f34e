"""What becomes of an object that cannot be read: it is named in the log and counted, and nothing else waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog

log = structlog.get_logger(__name__)


class SetAside:
    """Reports objects that are set aside; ``count`` is told the resource of each."""

    def __init__(self, count: Callable[[str], None] = lambda _: None) -> None:
        self._count = count

    @contextmanager
    def reading(self, resource: str, obj: dict[str, Any]) -> Iterator[None]:
        """Around what reads ``obj``: whatever it raises ends here."""
        try:
            yield
        except Exception:
            named = {key: (obj.get("metadata") or {}).get(key) for key in ("namespace", "name", "uid")}
            log.exception("an object could not be taken in", resource=resource, **named)
            self._count(resource)
