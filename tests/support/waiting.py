"""Waiting for a condition with a deadline: the only way that tests wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def until(look: Callable[[], Found | None], *, seconds: float, what: str, pause: float = 0.05) -> Found:
    """The first truthy answer of ``look``; AssertionError that names ``what`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s: {what} (last seen: {found!r})"
        time.sleep(pause)
