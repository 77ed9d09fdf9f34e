"""Counts how often the operators of a run came to each point, and says which fault is due there."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable

from tests.faults.history import History
from tests.faults.plan import PointFault, When


class FaultBox:
    """The point faults of one run; shared by all its proxies, so a point counts whichever operator comes to it."""

    def __init__(self, faults: Iterable[PointFault], history: History) -> None:
        self._faults = tuple(faults)
        self._counts: Counter[PointFault] = Counter()
        self._history = history

    def due(self, point: str, when: When, build: str = "", *, by: str) -> PointFault | None:
        """The fault that is due as operator ``by`` comes to ``point``, noted as injected; else None."""
        found: PointFault | None = None
        for fault in self._faults:
            if (
                (fault.point, fault.when) != (point, when)
                or fault.only not in (None, build)
                or fault.by not in (None, by)
            ):
                continue
            self._counts[fault] += 1
            if found is None and fault.nth <= self._counts[fault] < fault.nth + fault.times:
                found = fault
        if found is not None:
            self._history.injected[found.kind] += 1
            self.harm(build)
        return found

    def harm(self, build: str) -> None:
        """Note that a request about ``build`` met a fault: nothing can be said about its place in the order."""
        if build:
            self._history.harmed.add(build)


async def pause(seconds: float) -> None:
    """A fault's length, or the time between two looks of a wait that has a deadline."""
    await asyncio.sleep(seconds)
