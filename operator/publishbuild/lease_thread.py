"""The Lease is renewed beside the operator's loop: a loop that is busy keeps its Lease, one that hangs loses it.

Renewals run in a thread, on a loop and a connection of its own. They go on for as long as the operator's loop has
answered within `LOOP_SECONDS`: a leader that can act no more must not keep a standby from it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from publishbuild.cluster.api import Api
from publishbuild.decide.lease import LOOP_SECONDS
from publishbuild.leadership import LeadershipLostError

_ANSWER_SECONDS = 0.25

# What renews until the Lease is lost; it is handed the API server and whether the operator's loop is alive.
Renew = Callable[[Api, Callable[[], bool]], Coroutine[Any, Any, None]]


class LeaseThread:
    """Renews by ``renew`` on a connection that ``connect`` makes. ``lost`` is called in the thread, at once."""

    def __init__(self, renew: Renew, connect: Callable[[], Awaitable[Api]], *, lost: Callable[[], None]) -> None:
        self._renew = renew
        self._connect = connect
        self._lost = lost
        self._answered = time.monotonic()
        self._inner: tuple[asyncio.AbstractEventLoop, asyncio.Task[None]] | None = None
        self._is_cancelled = False

    async def run(self) -> None:
        """Until the lease is lost. When this is cancelled, no renewal is under way after it.

        Raises:
            LeadershipLostError: this process must stop acting.
            ApiError: no connection can be made.
        """
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        threading.Thread(target=self._thread, args=(loop, ended), name="lease", daemon=True).start()
        answering = asyncio.create_task(self._answer())
        try:
            await asyncio.shield(ended)
        finally:
            answering.cancel()
            self._is_cancelled = True
            if self._inner is not None:
                inner, task = self._inner
                # A loop that is closed has ended by itself.
                with contextlib.suppress(RuntimeError):
                    inner.call_soon_threadsafe(task.cancel)
            await asyncio.wait({ended})

    async def _answer(self) -> None:
        while True:
            self._answered = time.monotonic()
            await asyncio.sleep(_ANSWER_SECONDS)

    def _is_alive(self) -> bool:
        return time.monotonic() - self._answered < LOOP_SECONDS

    def _thread(self, loop: asyncio.AbstractEventLoop, ended: asyncio.Future[None]) -> None:
        outcome: BaseException | None = None
        try:
            asyncio.run(self._renewals())
        except BaseException as error:  # noqa: BLE001 - whatever it is belongs to the operator's loop
            outcome = error
            if isinstance(error, LeadershipLostError):
                self._lost()
        # A loop that is closed waits for nothing any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_end, ended, outcome)

    async def _renewals(self) -> None:
        renewing = asyncio.create_task(self._renew_connected())
        self._inner = asyncio.get_running_loop(), renewing
        if self._is_cancelled:
            renewing.cancel()
        await renewing

    async def _renew_connected(self) -> None:
        api = await self._connect()
        try:
            await self._renew(api, self._is_alive)
        finally:
            await api.close()


def _end(ended: asyncio.Future[None], outcome: BaseException | None) -> None:
    if outcome is None or isinstance(outcome, asyncio.CancelledError):
        ended.cancel()
    else:
        ended.set_exception(outcome)
