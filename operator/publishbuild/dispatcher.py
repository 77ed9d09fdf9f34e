"""Free places -> claims from the queue -> bells. Also the one who notices that Redis went away or came back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from itertools import islice

import structlog

from publishbuild.build_queue.places import Places
from publishbuild.build_queue.redis_queue import QueueUnavailableError, RedisQueue, StaleIndexError
from publishbuild.names import QueueReason
from publishbuild.observe.metrics import Metrics

log = structlog.get_logger(__name__)

IDLE_SECONDS = 0.5
# Turns are at least that far apart: in a storm of changes one turn serves many of them.
TURN_SECONDS = 0.02
FIRST_RECONNECT_SECONDS = 0.2
LONGEST_RECONNECT_SECONDS = 5.0
REFRESH_SECONDS = 2.0
# At most this many waiting builds are written a refresh for their position's sake, the first in line first.
REFRESH_WRITES = 20

# What a build's status shows: its position, and why it waits.
Shown = tuple[int | None, QueueReason | None]


class Dispatcher:
    """Hands free places to waiting builds, in order, until stopped."""

    def __init__(
        self,
        *,
        queue: RedisQueue,
        places: Places,
        ring: Callable[[str], None],
        ring_first: Callable[[str], None],
        shown: Callable[[str], Shown],
        metrics: Metrics,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        spread: Callable[[], float],
        may_act: Callable[[], bool] = lambda: True,
    ) -> None:
        self._queue = queue
        self._places = places
        self._ring = ring
        self._ring_first = ring_first
        self._shown = shown
        self._metrics = metrics
        self._clock = clock
        self._monotonic = monotonic
        self._spread = spread
        self._may_act = may_act
        self._stale = True
        self._due = 0.0
        self._all_shown = False
        self._failures = 0
        self._warned = False

    async def take_turn(self) -> None:
        """Hand out the places that are free now, once; not while `run` does."""
        await self._turn()

    async def run(self) -> None:
        """Take a turn whenever a build might get a place, and now and then to see that Redis and its index are whole.

        What only left the queue is told to the index at the next turn.
        """
        while True:
            await (self._back_off() if self._failures else self._wait(IDLE_SECONDS))
            if self._failures or self._stale or self._places.wanted or self._monotonic() >= self._due:
                await self._turn()
                self._due = self._monotonic() + IDLE_SECONDS
                await asyncio.sleep(TURN_SECONDS)

    async def refresh_positions(self) -> None:
        """Show each waiting build its position, within a fixed budget of writes."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            self._refresh()

    async def _turn(self) -> None:
        if not self._may_act():
            # The index belongs to whoever leads now: it must not be taken back from there.
            return
        try:
            if self._stale:
                await self._rebuild()
            await self._claim()
        except StaleIndexError:
            log.warning("the index in Redis is gone or not ours: rebuilding it from the resources")
            self._stale = True
            self._places.changed.set()
        except QueueUnavailableError as error:
            self._lost(error)

    async def _rebuild(self) -> None:
        waiting, claimed = self._places.snapshot()
        await self._queue.rebuild(waiting, claimed, now=self._clock())
        self._stale = False
        # Redis is found once a turn is done: a rebuild may work where the script does not (ACL, a busy script).
        if not self._warned:
            log.info("index rebuilt", waiting=len(waiting))

    async def _claim(self) -> None:
        places = self._places
        changes = places.take_changes()
        try:
            turn = await self._queue.turn(places.room(), now=self._clock(), gone=changes.gone, waiting=changes.waiting)
        except (StaleIndexError, QueueUnavailableError):
            places.give_back(changes)
            raise
        self._found()
        self._give(turn.claimed)
        # Changes that came during the turn are not in the index yet, so only a quiet turn can be judged.
        if not places.has_changes and turn.held != len(places.waiting):
            raise StaleIndexError

    def _give(self, uids: list[str]) -> None:
        for uid in uids:
            if self._places.claim(uid):
                self._ring_first(uid)

    def _lost(self, error: QueueUnavailableError) -> None:
        self._failures += 1
        # Whether the last turn was done is not known, nor what happens to the index meanwhile.
        self._stale = True
        self._places.available = False
        self._places.moved = True
        self._metrics.redis_up.set(0)
        if not self._warned:
            self._warned = True
            goes_on = "launched directly" if self._places.direct else "held until it is back"
            log.warning(
                "Redis is unavailable: running builds go on", waiting=goes_on, fault=error.word, error=str(error)
            )
            self._refresh()
        if self._places.direct:
            self._launch_directly()

    def _found(self) -> None:
        if self._warned:
            log.info("Redis is back")
        self._failures, self._warned = 0, False
        self._metrics.redis_up.set(1)
        if not self._places.available:
            self._places.available = True
            self._places.moved = True
            self._refresh()

    def _launch_directly(self) -> None:
        self._give(self._places.may_start())

    def _refresh(self) -> None:
        places = self._places
        if self._all_shown and not places.moved:
            return
        places.moved = False
        reason, positions = places.reasons(), places.numbered()
        outdated = (uid for uid, at in positions.items() if self._shown(uid) != (at, reason(places.member(uid))))
        rung = list(islice(outdated, REFRESH_WRITES))
        places.moving = frozenset(rung)
        for uid in rung:
            self._ring(uid)
        self._all_shown = not rung

    async def _wait(self, seconds: float) -> None:
        # Not wait_for: before Python 3.12 it forgets a cancellation that comes together with what it waits for.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._places.changed.wait()
        self._places.changed.clear()

    async def _back_off(self) -> None:
        """Wait before Redis is tried again; changes keep ringing meanwhile and must not turn that into a storm."""
        longest = FIRST_RECONNECT_SECONDS * 2 ** min(self._failures - 1, 10)
        pause = min(LONGEST_RECONNECT_SECONDS, longest) * (0.5 + self._spread() / 2)
        until = self._monotonic() + pause
        while (left := until - self._monotonic()) > 0:
            await self._wait(left)
            if self._places.direct:
                self._launch_directly()
