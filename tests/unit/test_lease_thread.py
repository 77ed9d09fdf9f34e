"""The Lease beside the operator's loop: busy keeps it, hung loses it, and stopping waits for a renewal on its way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_mock import MockerFixture

from publishbuild import lease_thread
from publishbuild.cluster.api import ApiError
from publishbuild.leadership import LeadershipLostError
from publishbuild.lease_thread import LeaseThread
from tests.support.waiting import until

PATIENCE = 20.0


class Renewals:
    """Counts renewals, many a second, until the loop that it belongs to is not alive."""

    def __init__(self) -> None:
        self.count = 0
        self.began = threading.Event()
        self.closed = threading.Event()
        self.lost = threading.Event()
        self.stopped = threading.Event()

    async def connect(self) -> Any:
        async def close() -> None:
            self.closed.set()

        return SimpleNamespace(close=close)

    async def renew(self, _: Any, is_alive: Callable[[], bool]) -> None:
        try:
            while is_alive():
                self.count += 1
                self.began.set()
                await asyncio.sleep(0.01)
        finally:
            self.stopped.set()
        raise LeadershipLostError("hung")

    async def has_begun(self) -> None:
        assert await asyncio.to_thread(self.began.wait, PATIENCE), "nothing renews"

    def thread(self) -> LeaseThread:
        return LeaseThread(self.renew, self.connect, lost=self.lost.set)


async def test_a_busy_loop_keeps_its_lease() -> None:
    """While the operator's loop computes for long, renewals go on beside it."""
    renewals = Renewals()
    keeping = asyncio.create_task(renewals.thread().run())
    await renewals.has_begun()
    before = renewals.count
    # Holds the loop, not the thread: until it has seen twenty renewals more, or has waited in vain.
    until(lambda: renewals.count >= before + 20, seconds=PATIENCE, what="renewals beside a busy loop")
    assert not renewals.lost.is_set()
    keeping.cancel()
    await asyncio.wait({keeping})


async def test_a_hung_loop_loses_its_lease(mocker: MockerFixture) -> None:
    """A loop that has not answered within the bound is told of beside it, and renews no more."""
    mocker.patch.object(lease_thread, "LOOP_SECONDS", 0.5)
    renewals = Renewals()
    keeping = asyncio.create_task(renewals.thread().run())
    await renewals.has_begun()
    assert renewals.lost.wait(PATIENCE), "a hung loop kept its lease"
    with pytest.raises(LeadershipLostError, match="hung"):
        await keeping
    assert renewals.closed.is_set()


async def test_after_stopping_nothing_renews() -> None:
    """Who stops keeping waits until no renewal is under way: it would take back what is given back then."""
    renewals = Renewals()
    keeping = asyncio.create_task(renewals.thread().run())
    await renewals.has_begun()
    keeping.cancel()
    await asyncio.wait({keeping})
    assert renewals.stopped.is_set()
    assert renewals.closed.is_set()
    assert not renewals.lost.is_set()


async def test_what_keeps_it_from_connecting_is_told() -> None:
    """Without a connection the operator's loop hears why."""

    async def refuse() -> Any:
        raise ApiError(0, "NoCluster", "no kubeconfig")

    with pytest.raises(ApiError, match="no kubeconfig"):
        await LeaseThread(Renewals().renew, refuse, lost=lambda: None).run()
