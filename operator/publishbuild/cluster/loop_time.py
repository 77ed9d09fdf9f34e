"""How long one task may hold the loop, in which everybody's builds are looked at."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

SLICE_SECONDS = 0.01


class LoopTime:
    """The loop's time that one task uses: time and no number of objects, of which one may cost more than all others."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since = clock()

    async def share(self) -> None:
        """Let everything else have its turn, where 10 ms have passed since that was last so."""
        if self._clock() - self._since >= SLICE_SECONDS:
            await asyncio.sleep(0)
            self._since = self._clock()
