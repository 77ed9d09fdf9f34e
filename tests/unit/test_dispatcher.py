"""The dispatcher: places are handed out in order, and Redis may come and go without a storm."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from publishbuild.build_queue.places import Places
from publishbuild.build_queue.redis_queue import QueueUnavailableError, StaleIndexError, Turn
from publishbuild.cluster.live_jobs import LiveJobs
from publishbuild.decide.facts import JobFacts
from publishbuild.decide.order import Room, choose, member
from publishbuild.dispatcher import LONGEST_RECONNECT_SECONDS, REFRESH_WRITES, Dispatcher, Shown
from publishbuild.names import QueueReason
from publishbuild.observe.metrics import Metrics
from tests.builders import NOW, a_job, counted


class Index:
    """The queue's index in memory, with the faults of a Redis."""

    def __init__(self) -> None:
        self.owned = False
        self.line: dict[str, str] = {}
        self.claims: set[str] = set()
        self.down = False
        self.turns_fail = False
        self.calls: list[str] = []

    async def turn(
        self, room: Room, *, now: float, gone: Collection[str] = (), waiting: Mapping[str, str] | None = None
    ) -> Turn:
        del now
        self.calls.append("turn")
        if self.down or self.turns_fail:
            raise QueueUnavailableError("ConnectionError: refused")
        if not self.owned:
            raise StaleIndexError
        for uid in gone:
            self.line.pop(uid, None)
            self.claims.discard(uid)
        self.line |= waiting or {}
        held = len(self.line)
        claimed = choose([text for uid, text in self.line.items() if uid not in self.claims], room)
        self.claims |= set(claimed)
        return Turn(claimed, held)

    async def rebuild(self, waiting: Mapping[str, str], claimed: Collection[str] = (), *, now: float) -> None:
        del now
        self.calls.append("rebuild")
        if self.down:
            raise QueueUnavailableError("ConnectionError: refused")
        self.line, self.claims, self.owned = dict(waiting), set(claimed), True

    def lose(self) -> None:
        """Restart empty."""
        self.line, self.claims, self.owned = {}, set(), False


class World:
    """A dispatcher with all that it touches."""

    def __init__(self, *, direct: bool = False, limit: int = 2, namespace_limit: int = 0) -> None:
        self.jobs: dict[str, JobFacts] = {}
        self.paused_by: str | None = None
        self.index = Index()
        self.places = Places(
            self, limit=limit, namespace_limit=namespace_limit, direct=direct, paused_by=lambda _: self.paused_by
        )
        self.rung: list[str] = []
        self.shown: dict[str, Shown] = {}
        self.metrics = Metrics()
        self.time = 0.0
        self.dispatcher = Dispatcher(
            queue=self.index,  # type: ignore[arg-type]  # speaks like a RedisQueue
            places=self.places,
            ring=self.rung.append,
            ring_first=self.rung.append,
            shown=lambda uid: self.shown.get(uid, (None, None)),
            metrics=self.metrics,
            clock=self.clock,
            monotonic=self.clock,
            spread=lambda: 1.0,
        )

    def clock(self) -> float:
        return self.time

    @property
    def live_jobs(self) -> LiveJobs:
        return counted(self.jobs.values())

    def job(self, uid: str) -> JobFacts | None:
        return self.jobs.get(uid)

    def wait(self, *uids: str, namespace: str = "a") -> None:
        for uid in uids:
            text = member(priority=0, created=NOW, entered=NOW, uid=uid, namespace=namespace, key=None)
            self.places.enqueue(uid, text)

    def launch(self, uid: str) -> None:
        self.jobs[uid] = JobFacts.read(a_job(build_uid=uid))
        self.places.release(uid)

    async def turn(self) -> list[str]:
        """Uids that one turn rang."""
        self.rung.clear()
        await self.dispatcher._turn()
        return list(self.rung)

    def redis_up(self) -> float | None:
        return self.metrics.registry.get_sample_value("publishbuild_redis_up")


@pytest.fixture
def world() -> World:
    return World()


def said(logs: list[Any], level: str) -> list[str]:
    return [entry["event"] for entry in logs if entry["log_level"] == level]


class TestClaims:
    async def test_free_places_go_to_the_first_in_line(self, world: World) -> None:
        """As many as there are places are rung, in order; the next when a Job has ended."""
        world.wait("x", "y", "z")
        assert await world.turn() == ["x", "y"]
        for uid in ("x", "y"):
            world.launch(uid)
        assert await world.turn() == []
        del world.jobs["x"]
        assert await world.turn() == ["z"]

    async def test_a_claimed_build_is_not_rung_twice(self, world: World) -> None:
        """A claim under way is not repeated."""
        world.wait("x")
        assert [await world.turn(), await world.turn()] == [["x"], []]

    async def test_a_claim_for_who_left_is_dropped(self, world: World) -> None:
        """A build that left while its claim was on the way is not rung."""
        world.wait("x")
        await world.turn()
        world.places.release("x")
        world.index.line["ghost"] = member(priority=9, created=NOW, entered=NOW, uid="ghost", namespace="a", key=None)
        assert await world.turn() == []

    async def test_an_index_that_lost_something_is_made_anew(self, world: World) -> None:
        """A count that does not fit what waits leads to a rebuild, and nobody is lost."""
        world.wait("x", "y", "z")
        await world.turn()
        del world.index.line["z"]
        with capture_logs() as logs:
            await world.turn()
            await world.turn()
        assert len(said(logs, "warning")) == 1
        assert world.index.line.keys() == {"x", "y", "z"}

    async def test_an_empty_redis_is_filled_again(self, world: World) -> None:
        """A Redis that restarts empty loses nobody and doubles nobody."""
        world.wait("x", "y", "z")
        await world.turn()
        world.index.lose()
        assert await world.turn() == []
        assert await world.turn() == []
        world.launch("x")
        del world.jobs["x"]
        assert await world.turn() == ["z"]

    async def test_changes_that_could_not_be_told_are_told_later(self, world: World) -> None:
        """What came and went while Redis was away is in the index afterwards."""
        await world.turn()
        world.wait("x")
        world.index.down = True
        await world.turn()
        world.wait("y")
        world.places.release("x")
        world.index.down = False
        assert set(await world.turn()) == {"y"}


class TestOutage:
    async def test_lost_and_found_are_said_once(self, world: World) -> None:
        """However many tries: one warning when Redis goes, one line when it is back, and the metric follows."""
        await world.turn()
        assert world.redis_up() == 1
        with capture_logs() as logs:
            world.index.down = True
            for _ in range(10):
                await world.turn()
            assert world.redis_up() == 0
            world.index.down = False
            for _ in range(10):
                await world.turn()
        assert len(said(logs, "warning")) == 1
        assert said(logs, "info").count("Redis is back") == 1
        assert world.redis_up() == 1

    async def test_a_start_without_redis_is_said(self, world: World) -> None:
        """A first try that fails is shown at once."""
        world.index.down = True
        with capture_logs() as logs:
            await world.dispatcher.take_turn()
        assert len(said(logs, "warning")) == 1
        assert not world.places.available

    async def test_a_redis_that_takes_writes_but_no_script_is_away(self, world: World) -> None:
        """Where the rebuild works and the script does not (ACL, a busy script), it is said once and backs off."""
        world.index.turns_fail = True
        with capture_logs() as logs:
            for _ in range(10):
                await world.turn()
        assert len(said(logs, "warning")) == 1
        assert "Redis is back" not in said(logs, "info")
        assert world.dispatcher._failures == 10
        assert world.redis_up() == 0

    async def test_waiting_builds_are_held_and_go_on(self, world: World) -> None:
        """While Redis is away nobody is claimed; when it is back the first in line are."""
        world.index.down = True
        world.wait("x", "y", "z")
        await world.turn()
        assert world.places.room().places == 2
        world.index.down = False
        assert {"x", "y"} <= set(await world.turn())
        assert [uid for uid in ("x", "y", "z") if world.places.is_claimed(uid)] == ["x", "y"]

    async def test_all_who_wait_hear_of_the_outage(self, world: World) -> None:
        """Builds in line are rung when Redis goes, so that their status says why they wait."""
        await world.turn()
        world.places.limit = 0
        world.wait("x", "y")
        world.index.down = True
        assert await world.turn() == ["x", "y"]
        world.shown = {uid: (n, QueueReason.REDIS_UNAVAILABLE) for n, uid in enumerate(("x", "y"), start=1)}
        assert await world.turn() == []
        world.index.down = False
        assert await world.turn() == ["x", "y"]

    async def test_direct_mode_launches_within_the_limits(self) -> None:
        """With `direct` the places are handed out without Redis, in the same order and number."""
        world = World(direct=True, limit=3, namespace_limit=2)
        world.index.down = True
        world.wait("a1", "a2", "a3", namespace="a")
        world.wait("b1", "b2", namespace="b")
        await world.turn()
        assert [uid for uid in ("a1", "a2", "a3", "b1", "b2") if world.places.is_claimed(uid)] == ["a1", "a2", "b1"]
        await world.turn()
        assert world.places.occupied().total == 3

    async def test_direct_claims_survive_the_return_of_redis(self) -> None:
        """A build that was launched directly is not claimed again when Redis is back."""
        world = World(direct=True, limit=1)
        world.index.down = True
        world.wait("x", "y")
        assert "x" in await world.turn()
        world.index.down = False
        await world.turn()
        assert world.index.claims == {"x"}
        assert not world.places.is_claimed("y")

    @pytest.mark.parametrize("failures", [1, 5, 50])
    async def test_the_pause_between_tries_is_bounded(self, world: World, failures: int) -> None:
        """A Redis that stays away is asked every few seconds, never in a storm, however often builds change."""
        world.dispatcher._failures = failures
        waits: list[float] = []

        async def wait(seconds: float) -> None:
            waits.append(seconds)
            world.time += seconds / 2 + 0.01  # a change wakes it early

        world.dispatcher._wait = wait  # type: ignore[method-assign]  # the wait is what is tried
        await world.dispatcher._back_off()
        assert 0.2 <= world.time <= LONGEST_RECONNECT_SECONDS + 0.02
        assert waits == sorted(waits, reverse=True)
        assert world.index.calls == []

    async def test_direct_mode_launches_while_it_backs_off(self) -> None:
        """With `direct`, a build that comes during the pause is launched at once."""
        world = World(direct=True)
        world.dispatcher._failures = 1

        async def wait(seconds: float) -> None:
            world.wait("x")
            world.time += seconds

        world.dispatcher._wait = wait  # type: ignore[method-assign]  # the wait is what is tried
        await world.dispatcher._back_off()
        assert world.rung == ["x"]


class TestPositions:
    async def test_a_fixed_number_of_writes(self, world: World) -> None:
        """However many wait, a refresh rings a fixed number of them, the first in line first."""
        uids = [f"uid-{n:03d}" for n in range(200)]
        world.wait(*uids)
        world.dispatcher._refresh()
        assert world.rung == uids[:REFRESH_WRITES]
        assert world.places.moving == frozenset(uids[:REFRESH_WRITES])
        assert world.places.numbered()["uid-199"] == 200

    async def test_who_shows_the_right_position_is_left_alone(self, world: World) -> None:
        """Only outdated positions cost a write, so the refresh gets on."""
        uids = [f"uid-{n:03d}" for n in range(30)]
        world.wait(*uids)
        world.shown = {uid: (n + 1, QueueReason.WAITING) for n, uid in enumerate(uids[:25])}
        world.dispatcher._refresh()
        assert world.rung == uids[25:]

    async def test_another_reason_is_shown_too(self, world: World) -> None:
        """A build whose position stays is rung where it waits for another reason than it shows."""
        world.wait("x")
        world.shown = {"x": (1, QueueReason.WAITING)}
        world.dispatcher._refresh()
        assert world.rung == []
        world.paused_by = "ops"
        world.places.look_again()
        world.dispatcher._refresh()
        assert world.rung == ["x"]

    async def test_a_paused_build_gets_no_place(self, world: World) -> None:
        """While its namespace is paused a build is not rung; when that ends it is."""
        world.wait("x")
        world.paused_by = "a"
        assert await world.turn() == []
        world.paused_by = None
        assert await world.turn() == ["x"]

    async def test_claimed_builds_have_no_position(self, world: World) -> None:
        """Who has a place is not in line."""
        world.wait("x", "y")
        world.places.claim("x")
        world.dispatcher._refresh()
        assert world.places.numbered() == {"y": 1}


async def test_a_change_wakes_the_dispatcher(world: World) -> None:
    """The wait for the next turn ends at once when something changed, and is then forgotten."""
    world.wait("x")
    await world.dispatcher._wait(3600)
    assert not world.places.changed.is_set()
