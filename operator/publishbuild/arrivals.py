"""Hands what kopf's thread sees to the service's loop: in order, and many that come at once wake the loop once."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any

from publishbuild.cluster.loop_time import SLICE_SECONDS
from publishbuild.cluster.set_aside import SetAside

Take = Callable[[str, dict[str, Any], bool], None]


class Arrivals:
    """``take`` is called in ``loop`` with each resource, object and whether it was deleted."""

    def __init__(self, loop: asyncio.AbstractEventLoop, take: Take, set_aside: SetAside | None = None) -> None:
        self._loop = loop
        self._take = take
        self._set_aside = set_aside or SetAside()
        self._line: deque[tuple[str, dict[str, Any], bool]] = deque()

    def put(self, resource: str, obj: dict[str, Any], deleted: bool) -> None:
        """Called from any thread."""
        self._line.append((resource, obj, deleted))
        # One leaves the line after it was taken, so whoever finds more than its own there knows that the loop is at it.
        if len(self._line) == 1:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the process is at its end
                self._loop.call_soon_threadsafe(self._take_all)

    def _take_all(self) -> None:
        """Take what is in the line; what is left after 10 ms, once everything else has had its turn."""
        until = self._loop.time() + SLICE_SECONDS
        while self._line:
            resource, obj, deleted = self._line[0]
            with self._set_aside.reading(resource, obj):
                self._take(resource, obj, deleted)
            self._line.popleft()
            if self._line and self._loop.time() >= until:
                self._loop.call_soon(self._take_all)
                return
