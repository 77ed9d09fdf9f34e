"""The Lease: who may take it, when a leader must stop, and that nobody else's clock is ever trusted."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishbuild.cluster.api import CONFLICT, ApiError
from publishbuild.decide import lease as decide
from publishbuild.decide.lease import DURATION_SECONDS, RENEW_DEADLINE_SECONDS, STANDBY_SECONDS, Seen
from publishbuild.leadership import Leadership, LeadershipLostError

NOW = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)


class World:
    """A Lease on an API server that a test can break, and a clock that moves only by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.lease: dict[str, Any] | None = None
        self.version = 0
        self.down = False
        self.before_sleep: list[Callable[[], None]] = []

    def operator(self, identity: str) -> Leadership:
        return Leadership(
            self,  # type: ignore[arg-type]  # the requests of Leases
            identity,
            clock=lambda: self.now,
            moment=lambda: NOW + timedelta(seconds=self.now),
            sleep=self.sleep,
        )

    async def sleep(self, seconds: float) -> None:
        if self.before_sleep:
            self.before_sleep.pop(0)()
        self.now += seconds

    async def get(self) -> dict[str, Any] | None:
        self._fail_if_down()
        return copy.deepcopy(self.lease)

    async def create(self, identity: str, moment: datetime) -> dict[str, Any]:
        self._fail_if_down()
        return self._store(decide.fresh("ns", "operator", identity, moment))

    async def replace(self, lease: dict[str, Any]) -> dict[str, Any]:
        self._fail_if_down()
        if self.lease is None or lease["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
            raise ApiError(CONFLICT, "Conflict", "the object has been modified")
        return self._store(lease)

    def _store(self, lease: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        self.lease = copy.deepcopy(lease)
        self.lease["metadata"]["resourceVersion"] = str(self.version)
        return copy.deepcopy(self.lease)

    def _fail_if_down(self) -> None:
        if self.down:
            raise ApiError(0, "ClientConnectorError", "refused")


@pytest.fixture
def world() -> World:
    return World()


async def test_the_first_one_leads(world: World) -> None:
    """Where there is no Lease, whoever comes first makes it and leads."""
    first = world.operator("a")
    await first.acquire()
    assert first.held
    assert world.lease is not None
    assert world.lease["spec"]["holderIdentity"] == "a"


async def test_a_standby_waits_for_the_whole_duration(world: World) -> None:
    """A Lease that stands still is taken after its duration on the standby's own clock, and not before."""
    await world.operator("a").acquire()
    started = world.now
    second = world.operator("b")
    await second.acquire()
    assert world.now - started >= DURATION_SECONDS
    assert world.lease is not None
    assert world.lease["spec"]["leaseTransitions"] == 2


async def test_a_renewed_lease_is_not_taken(world: World) -> None:
    """As long as the leader renews, the standby's wait starts anew."""
    first, second = world.operator("a"), world.operator("b")
    await first.acquire()

    def renew() -> None:
        assert world.lease is not None
        world._store(decide.taken(world.lease, "a", NOW))

    world.before_sleep = [renew] * 30
    started = world.now
    await second.acquire()
    assert world.now - started >= 30 * STANDBY_SECONDS + DURATION_SECONDS - 1


async def test_a_leader_that_cannot_renew_stops_before_its_lease_ends(world: World) -> None:
    """With the API server gone, a leader stops acting while nobody else may lead yet."""
    first = world.operator("a")
    await first.acquire()
    started, world.down = world.now, True
    with pytest.raises(LeadershipLostError, match="could not be renewed"):
        await first.keep(world)  # type: ignore[arg-type]  # the requests of Leases
    assert not first.held
    assert world.now - started <= RENEW_DEADLINE_SECONDS + 1 < DURATION_SECONDS


async def test_no_write_outlives_the_lease(world: World) -> None:
    """What is sent in the last moment of leading has its answer, or is given up, before anybody else can lead."""
    first = world.operator("a")
    assert first.seconds_of_lease == 0
    await first.acquire()
    started = world.now
    while first.held:
        assert world.now + first.seconds_of_lease <= started + DURATION_SECONDS
        assert first.seconds_of_lease > 0
        world.now += 0.5
    second = world.operator("b")
    world.now = started
    await second.acquire()
    assert world.now >= started + DURATION_SECONDS


async def test_a_short_outage_does_no_harm(world: World) -> None:
    """An API server that is back in time costs the leader nothing."""
    first = world.operator("a")
    await first.acquire()
    world.down = True

    def back() -> None:
        world.down = False

    def gone() -> None:
        world.down = True

    world.before_sleep = [lambda: None, lambda: None, lambda: None, back, gone]
    with pytest.raises(LeadershipLostError):
        await first.keep(world)  # type: ignore[arg-type]  # the requests of Leases
    # Renewed once after 4 s, so it lasted longer than one deadline.
    assert world.now - 1000 > RENEW_DEADLINE_SECONDS + 3


async def test_a_lease_that_somebody_took_is_lost_at_once(world: World) -> None:
    """A leader that finds another holder stops without waiting for a deadline."""
    first = world.operator("a")
    await first.acquire()

    def stolen() -> None:
        assert world.lease is not None
        world._store(decide.taken(world.lease, "b", NOW))

    world.before_sleep = [stolen]
    with pytest.raises(LeadershipLostError, match="another operator"):
        await first.keep(world)  # type: ignore[arg-type]  # the requests of Leases


async def test_a_conflict_with_oneself_is_no_loss(world: World) -> None:
    """A renewal whose answer was lost makes the next one a conflict: the Lease is read again and kept."""
    first = world.operator("a")
    await first.acquire()

    def answer_was_lost() -> None:
        assert world.lease is not None
        world._store(world.lease)

    def gone() -> None:
        world.down = True

    world.before_sleep = [answer_was_lost, gone]
    with pytest.raises(LeadershipLostError, match="could not be renewed"):
        await first.keep(world)  # type: ignore[arg-type]  # the requests of Leases
    assert world.now - 1000 >= RENEW_DEADLINE_SECONDS


async def test_a_released_lease_is_taken_at_the_next_look(world: World) -> None:
    """A leader that stops gives the Lease back, and a standby that watched it needs one look."""
    first, second = world.operator("a"), world.operator("b")
    await first.acquire()
    assert not await second.take()
    await first.release()
    assert not first.held
    assert await second.take()


async def test_a_lease_that_was_given_back_is_taken_back_where_nobody_had_it(world: World) -> None:
    """Who gave the lease back leads again only if it was nobody's meanwhile: else its view of the cluster is old."""
    first, second = world.operator("a"), world.operator("b")
    await first.acquire()
    await first.release()
    assert await first.take_back()
    assert first.held
    await first.release()
    assert await second.take()
    await second.release()
    assert not await first.take_back()
    assert not first.held


async def test_a_lease_is_given_back_after_a_renewal_that_was_cut_off(world: World) -> None:
    """A renewal whose answer the leader did not wait for does not keep it from giving the Lease back."""
    first, second = world.operator("a"), world.operator("b")
    await first.acquire()
    assert world.lease is not None
    await world.replace(decide.taken(world.lease, "a", NOW))
    await first.release()
    assert await second.take()


async def test_a_lease_that_another_took_is_not_given_back(world: World) -> None:
    """A leader that stops leaves the Lease alone where somebody else has it by now."""
    first = world.operator("a")
    await first.acquire()
    assert world.lease is not None
    await world.replace(decide.taken(world.lease, "b", NOW))
    await first.release()
    assert world.lease["spec"]["holderIdentity"] == "b"


async def test_a_restarted_container_takes_its_own_lease(world: World) -> None:
    """The same identity after a crash need not wait for its own lease to end."""
    await world.operator("pod_1").acquire()
    started = world.now
    await world.operator("pod_1").acquire()
    assert world.now == started


@given(renew=st.text(max_size=40), acquire=st.text(max_size=40))
def test_other_clocks_are_never_read(renew: str, acquire: str) -> None:
    """Whatever times another machine wrote, only our own watching decides."""
    lease = {
        "metadata": {"resourceVersion": "1"},
        "spec": {"holderIdentity": "b", "leaseDurationSeconds": 10, "renewTime": renew, "acquireTime": acquire},
    }
    seen = Seen.read(lease, None, 100.0)
    assert not seen.is_free("a", 109.9)
    assert seen.is_free("a", 110.0)
