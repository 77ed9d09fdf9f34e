"""Bells: a build's uid is rung whenever something about it may have changed, and is then reconciled.

Many rings collapse into one run; one build is never reconciled twice at once; a run that fails is repeated with
exponential backoff and jitter, or after what the error's ``retry_after`` (seconds) asks for. A lost or doubled
ring does no harm, so anybody may ring at any time.

Who was given a place is answered first (`Bells.ring_first`): a launch never waits behind reports, and while there are
any only a few reports go beside them, which cost the API server as much again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

FIRST_RETRY_SECONDS = 0.1
LONGEST_RETRY_SECONDS = 30.0
BESIDE_LAUNCHES = 2

Reconcile = Callable[[str], Awaitable[None]]
OnError = Callable[[str, Exception, float], None]


def retry_seconds(failures: int, spread: float) -> float:
    """Backoff after that many failures in a row; ``spread`` in 0..1 moves it by up to a half."""
    longest = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(failures - 1, 20))
    return longest * (0.5 + spread / 2)


class Bells:
    """The work queue between whoever rings and the one reconcile."""

    def __init__(self, reconcile: Reconcile, on_error: OnError, spread: Callable[[], float]) -> None:
        self._reconcile = reconcile
        self._on_error = on_error
        self._spread = spread
        self._first: asyncio.Queue[str] = asyncio.Queue()
        self._others: asyncio.Queue[str] = asyncio.Queue()
        # Each that is rung, and whether it is among the first.
        self._queued: dict[str, bool] = {}
        self._running: dict[str, bool] = {}
        self._again: dict[str, bool] = {}
        # Who was answered among the first, and rang meanwhile: it was launched, which is not told yet.
        self._owed: set[str] = set()
        self._reports = 0
        self._room_for_reports = asyncio.Event()
        self._failures: dict[str, int] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._closed = False
        self._awaited: set[str] = set()
        self._all_answered = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def ring(self, uid: str) -> None:
        """Reconcile the build soon."""
        self._ring(uid, first=False)

    def ring_first(self, uid: str) -> None:
        """Reconcile the build, which was given a place, before all others."""
        self._ring(uid, first=True)

    def ring_after(self, uid: str, seconds: float, *, first: bool = False) -> None:
        """Reconcile the build in ``seconds`` at the latest, before all others if ``first``; a sooner timer stays."""
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        timer = self._timers.get(uid)
        if timer is not None and not timer.cancelled() and timer.when() <= due:
            return
        if timer is not None:
            timer.cancel()
        self._timers[uid] = loop.call_at(due, self._timer_rings, uid, first)

    def rest(self, uid: str) -> None:
        """Nothing of the build is due any more: its timer, which may be days ahead, goes."""
        timer = self._timers.pop(uid, None)
        if timer is not None:
            timer.cancel()

    async def answer(self, *, first: bool = False) -> None:
        """Reconcile what is rung, for ever; run several of these for that many builds at once, some for the first."""
        line = self._first if first else self._others
        while True:
            uid = await line.get()
            async with contextlib.nullcontext() if first else self._beside_launches():
                # Another answers it where it was made one of the first meanwhile.
                if self._queued.get(uid) is first:
                    await self._answer(uid)
            # A look may need no answer from anybody, and thousands of those in a row must not keep the lease from
            # being renewed.
            await asyncio.sleep(0)

    async def answered(self, uids: Iterable[str]) -> None:
        """Wait until each of ``uids`` that is rung now has been looked at once, however much is rung meanwhile."""
        self._awaited = {uid for uid in uids if uid in self._queued or uid in self._running}
        self._all_answered.clear()
        if self._awaited:
            await self._all_answered.wait()

    async def idle(self) -> None:
        """Wait until no ring is unanswered; timers do not count."""
        await self._idle.wait()

    async def finish(self) -> None:
        """Take no more rings, and wait until what runs now has ended, and what was launched is told.

        What else is queued is left to the next start.
        """
        self._closed = True
        self._queued = {uid: first for uid, first in self._queued.items() if uid in self._owed}
        for timer in self._timers.values():
            timer.cancel()
        if self._running or self._queued:
            self._idle.clear()
            await self._idle.wait()

    @property
    def unanswered(self) -> int:
        """How many builds are rung or being reconciled."""
        return len(self._queued) + len(self._running)

    @contextlib.asynccontextmanager
    async def _beside_launches(self) -> AsyncIterator[None]:
        while self._is_launching and self._reports >= BESIDE_LAUNCHES:
            self._room_for_reports.clear()
            await self._room_for_reports.wait()
        self._reports += 1
        try:
            yield
        finally:
            self._reports -= 1
            self._room_for_reports.set()

    @property
    def _is_launching(self) -> bool:
        return any(self._running.values()) or not self._first.empty()

    def _ring(self, uid: str, *, first: bool) -> None:
        if self._closed and uid not in self._owed and uid not in self._running:
            return
        if uid in self._running:
            self._again[uid] = first or self._again.get(uid, False)
        elif uid not in self._queued or (first and not self._queued[uid]):
            self._queued[uid] = first
            self._idle.clear()
            (self._first if first else self._others).put_nowait(uid)

    async def _answer(self, uid: str) -> None:
        first = self._running[uid] = self._queued.pop(uid)
        self._owed.discard(uid)
        try:
            await self._run(uid)
        finally:
            del self._running[uid]
            self._room_for_reports.set()
            self._awaited.discard(uid)
            if not self._awaited:
                self._all_answered.set()
            if uid in self._again:
                if first:
                    self._owed.add(uid)
                self._ring(uid, first=self._again.pop(uid))
            if not self._queued and not self._running:
                self._idle.set()

    async def _run(self, uid: str) -> None:
        try:
            await self._reconcile(uid)
        except Exception as error:  # noqa: BLE001  # one bad build never stops another
            if getattr(error, "is_final", False):
                return  # asking again can never help: another process goes on from here
            failures = self._failures[uid] = self._failures.get(uid, 0) + 1
            wait = max(retry_seconds(failures, self._spread()), getattr(error, "retry_after", None) or 0.0)
            self._on_error(uid, error, wait)
            self.ring_after(uid, wait, first=self._running[uid])
        else:
            self._failures.pop(uid, None)

    def _timer_rings(self, uid: str, first: bool) -> None:  # a timer's callback gets no keywords
        self._timers.pop(uid, None)
        self._ring(uid, first=first)
