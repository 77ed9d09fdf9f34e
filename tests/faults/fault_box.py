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

    def due(self, point: str, when: When, build: str = "") -> PointFault | None:
        """The fault for this coming to ``point``, noted as injected; None where all goes on as ever."""
        found: PointFault | None = None
        for fault in self._faults:
            if (fault.point, fault.when) != (point, when) or fault.only not in (None, build):
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

    @property
    def left(self) -> int:
        """How many faults are not used up."""
        return sum(1 for fault in self._faults if self._counts[fault] < fault.nth)


async def pause(seconds: float, *, ended: asyncio.Event | None = None) -> None:
    """Be slow for ``seconds``: a fault's length, not a wait for something to happen. ``ended`` cuts it short."""
    if ended is None:
        await asyncio.sleep(seconds)
        return
    try:
        async with asyncio.timeout(seconds):
            await ended.wait()
    except TimeoutError:
        return
