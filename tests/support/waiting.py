"""Waiting for a condition with a deadline: the only way that tests wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE = 4
"""A deadline ends a test that hangs, and promises nothing: on a machine that is busy elsewhere all takes longer."""


def until(look: Callable[[], Found | None], *, seconds: float, what: str, pause: float = 0.05) -> Found:
    """The first truthy answer of ``look``; AssertionError that names ``what`` after `PATIENCE` times ``seconds``.

    ``seconds`` is more than enough on a machine that does nothing else.
    """
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds * PATIENCE} s: {what} (last seen: {found!r})"
        time.sleep(pause)
