"""API clients that outlive a test. They may connect anew within any test, as servers close what is idle for long.

What they hold is closed between tests, so that what a test left open is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_DROP: list[Callable[[], None]] = []


@contextmanager
def lasting(drop: Callable[[], None]) -> Iterator[None]:
    """In this block ``drop`` is called after each test; it closes connections that the client opens again at need."""
    _DROP.append(drop)
    try:
        yield
    finally:
        _DROP.remove(drop)


def drop_connections() -> None:
    """Close what all lasting clients hold."""
    for drop in _DROP:
        drop()
