"""Bells: many rings, one run at a time, retries within bounds."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishbuild.bells import BESIDE_LAUNCHES, FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS, Bells, retry_seconds
from publishbuild.cluster.api import NotLeaderError


class Work:
    """A reconcile that a test holds and lets go, and that fails where it is told to."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.failing: set[str] = set()
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.own_gates: dict[str, asyncio.Event] = {}
        self.errors: list[tuple[str, str, float]] = []

    async def __call__(self, uid: str) -> None:
        self.runs.append(uid)
        self.now[uid] += 1
        self.most[uid] = max(self.most[uid], self.now[uid])
        try:
            await self._is_let_go(uid)
            if uid in self.failing:
                raise self.error or RuntimeError(f"bad {uid}")
        finally:
            self.now[uid] -= 1

    async def _is_let_go(self, uid: str) -> None:
        own = self.own_gates.setdefault(uid, asyncio.Event())
        waits = {asyncio.create_task(self.gate.wait()), asyncio.create_task(own.wait())}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    def let_go(self, uid: str) -> None:
        """The run of that uid goes on, the others stay."""
        self.own_gates[uid].set()

    def on_error(self, uid: str, error: Exception, seconds: float) -> None:
        self.errors.append((uid, str(error), seconds))


Make = Callable[..., Bells]


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
async def make(work: Work) -> AsyncIterator[Make]:
    """Bells with so many workers; stopped after the test."""
    tasks: list[asyncio.Task[None]] = []

    def made(workers: int = 3, *, first: int = 1) -> Bells:
        bells = Bells(work, work.on_error, lambda: 0.0)
        tasks.extend(asyncio.create_task(bells.answer()) for _ in range(workers))
        tasks.extend(asyncio.create_task(bells.answer(first=True)) for _ in range(first))
        return bells

    yield made
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_many_rings_are_one_run(work: Work, make: Make) -> None:
    """Rings before the run starts collapse into it."""
    bells = make()
    for _ in range(100):
        bells.ring("x")
    assert bells.unanswered == 1
    await bells.idle()
    assert work.runs == ["x"]
    assert bells.unanswered == 0


async def test_rings_during_a_run_are_one_more_run(work: Work, make: Make) -> None:
    """What changes while a build is looked at is looked at once more, and not at the same time."""
    bells = make()
    work.gate.clear()
    bells.ring("x")
    await settle()
    for _ in range(100):
        bells.ring("x")
    await settle()
    assert work.runs == ["x"]
    work.gate.set()
    await bells.idle()
    assert work.runs == ["x", "x"]
    assert work.most["x"] == 1


async def test_different_builds_run_at_once(work: Work, make: Make) -> None:
    """A slow build does not hold the others."""
    bells = make(workers=3)
    work.gate.clear()
    for uid in "abc":
        bells.ring(uid)
    await settle()
    assert sorted(work.now.elements()) == ["a", "b", "c"]
    work.gate.set()
    await bells.idle()


@given(st.lists(st.sampled_from("abcd"), max_size=40), st.integers(min_value=1, max_value=4))
def test_every_ring_is_answered_and_none_twice_at_once(rings: list[str], workers: int) -> None:
    """Whatever is rung while others run: the last ring of each build is followed by a run, one at a time."""

    async def tried() -> None:
        work = Work()
        bells = Bells(work, work.on_error, lambda: 0.0)
        tasks = [asyncio.create_task(bells.answer()) for _ in range(workers)]
        after: dict[str, int] = {}
        for uid in rings:
            bells.ring(uid)
            after[uid] = work.runs.count(uid)
            await asyncio.sleep(0)
        await bells.idle()
        for uid, count in after.items():
            assert work.runs.count(uid) >= count
        assert set(work.runs) == set(rings)
        assert all(most == 1 for most in work.most.values())
        assert len(work.runs) <= len(rings)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(tried())


async def test_a_failing_build_never_stops_another(work: Work, make: Make) -> None:
    """A run that raises is reported, and everything else goes on."""
    bells = make(workers=1)
    work.failing.add("bad")
    for uid in ("bad", "good"):
        bells.ring(uid)
    await bells.idle()
    assert work.runs == ["bad", "good"]
    assert work.errors == [("bad", "bad bad", FIRST_RETRY_SECONDS / 2)]


async def test_a_failing_build_comes_again_with_growing_pauses(work: Work, make: Make) -> None:
    """Failures in a row wait longer each time; a success starts over."""
    bells = make(workers=1)
    work.failing.add("x")
    for _ in range(3):
        bells.ring("x")
        await bells.idle()
    assert [seconds for _, _, seconds in work.errors] == [0.05, 0.1, 0.2]
    work.failing.clear()
    bells.ring("x")
    await bells.idle()
    work.failing.add("x")
    bells.ring("x")
    await bells.idle()
    assert work.errors[-1][2] == 0.05


async def test_a_failing_build_is_repeated_by_itself(work: Work, make: Make) -> None:
    """Nobody has to ring again for a run that failed."""
    bells = make(workers=1)
    work.failing.add("x")
    bells.ring("x")
    await bells.idle()
    assert bells._timers["x"].when() - asyncio.get_running_loop().time() <= 0.05


@given(st.integers(min_value=1, max_value=10_000), st.floats(min_value=0, max_value=1))
def test_pauses_stay_within_bounds(failures: int, spread: float) -> None:
    """However often it failed: at least half of the first pause, at most the longest."""
    assert FIRST_RETRY_SECONDS / 2 <= retry_seconds(failures, spread) <= LONGEST_RETRY_SECONDS


@given(st.integers(min_value=1, max_value=100), st.floats(min_value=0, max_value=1))
def test_pauses_grow(failures: int, spread: float) -> None:
    """With the same spread, one more failure never makes the pause shorter."""
    assert retry_seconds(failures, spread) <= retry_seconds(failures + 1, spread)


class TestTimers:
    async def test_a_timer_rings(self, work: Work, make: Make) -> None:
        """A build whose time has come is looked at."""
        bells = make()
        bells.ring_after("x", 0)
        await settle()
        await bells.idle()
        assert work.runs == ["x"]
        assert bells._timers == {}

    @pytest.mark.parametrize(
        ("first", "second"), [pytest.param(50, 100, id="sooner first"), pytest.param(100, 50, id="sooner second")]
    )
    async def test_the_sooner_timer_stays(self, make: Make, first: float, second: float) -> None:
        """Of two timers for one build the sooner one rings, and there is only one."""
        bells = make()
        now = asyncio.get_running_loop().time()
        bells.ring_after("x", first)
        bells.ring_after("x", second)
        (timer,) = bells._timers.values()
        assert timer.when() - now == pytest.approx(50, abs=5)
        timer.cancel()

    async def test_a_ring_leaves_the_timer(self, work: Work, make: Make) -> None:
        """A run in between does not take away what time alone may change later."""
        bells = make()
        bells.ring_after("x", 50)
        bells.ring("x")
        await bells.idle()
        assert work.runs == ["x"]
        bells._timers["x"].cancel()

    async def test_thousands_of_looks_leave_time_for_others(self, make: Make, work: Work) -> None:
        """Looks that wait for nobody do not keep the process from renewing its lease between them."""
        bells = make()
        for number in range(2000):
            bells.ring(f"uid-{number}")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(work.runs) < 1000
        await bells.idle()
        assert len(work.runs) == 2000

    async def test_what_can_never_help_is_not_repeated(self, make: Make, work: Work) -> None:
        """A look that failed because another operator leads is neither repeated nor logged."""
        bells = make()
        work.failing, work.error = {"x"}, NotLeaderError()
        bells.ring("x")
        await bells.idle()
        assert work.runs == ["x"]
        assert (bells._timers, work.errors) == ({}, [])

    async def test_a_build_at_rest_is_not_rung(self, make: Make) -> None:
        """The timer of a build that has ended goes at once, so that long ones do not pile up."""
        bells = make()
        bells.ring_after("x", 3600)
        bells.rest("x")
        bells.rest("never seen")
        assert bells._timers == {}

    async def test_idle_does_not_wait_for_timers(self, make: Make) -> None:
        """`idle` speaks of rings alone."""
        bells = make()
        bells.ring_after("x", 50)
        await bells.idle()
        bells._timers["x"].cancel()


class TestFinish:
    async def test_what_runs_ends_and_nothing_starts(self, work: Work, make: Make) -> None:
        """`finish` waits for what runs, and leaves what is only queued to the next start."""
        bells = make(workers=1)
        work.gate.clear()
        for uid in ("runs", "queued"):
            bells.ring(uid)
        await settle()
        bells.ring("runs")
        finishing = asyncio.create_task(bells.finish())
        await settle()
        assert not finishing.done()
        work.gate.set()
        await finishing
        bells.ring("late")
        await settle()
        assert work.runs == ["runs"]

    async def test_nothing_runs(self, make: Make) -> None:
        """With nothing to wait for, `finish` returns at once, and again."""
        bells = make()
        await bells.finish()
        await bells.finish()
        assert bells.unanswered == 0

    async def test_timers_ring_no_more(self, work: Work, make: Make) -> None:
        """A timer of before does not ring after `finish`."""
        bells = make()
        bells.ring_after("x", 0)
        await bells.finish()
        await settle()
        assert work.runs == []


async def test_launches_wait_behind_no_report(work: Work, make: Make) -> None:
    """While all workers are busy with reports, a build that was given a place is reconciled at once."""
    bells = make(workers=2)
    work.gate.clear()
    for uid in ("a", "b", "c"):
        bells.ring(uid)
    await settle()
    bells.ring_first("launch")
    await settle()
    assert work.runs == ["a", "b", "launch"]


async def a_launch_and_reports(work: Work, make: Make, reports: int) -> Bells:
    """A launch that is held, so many reports rung after it, and a worker for each of them."""
    bells = make(workers=reports)
    work.gate.clear()
    bells.ring_first("launch")
    await settle()
    for number in range(reports):
        bells.ring(f"report-{number}")
    await settle()
    return bells


async def test_few_reports_go_beside_launches(work: Work, make: Make) -> None:
    """While there are launches, only some of the reports are made, and all the others once they are through."""
    bells = await a_launch_and_reports(work, make, 20)
    assert len(work.runs) == 1 + BESIDE_LAUNCHES
    work.gate.set()
    await bells.idle()
    assert Counter(work.runs) == Counter(["launch", *(f"report-{number}" for number in range(20))])


async def test_who_waits_for_its_report_and_gets_a_place_is_run_once(work: Work, make: Make) -> None:
    """A build that is rung already and is then given a place goes first, and is not run a second time for that."""
    bells = make(workers=1)
    work.gate.clear()
    bells.ring("busy")
    await settle()
    bells.ring("x")
    bells.ring_first("x")
    await settle()
    assert work.runs == ["busy", "x"]
    work.gate.set()
    await bells.idle()
    await settle()
    assert work.runs == ["busy", "x"]


async def test_a_place_that_comes_during_a_run_goes_first_too(work: Work, make: Make) -> None:
    """A build that is given a place while it is being looked at is looked at again before all others."""
    bells = make(workers=1)
    work.gate.clear()
    bells.ring("x")
    await settle()
    bells.ring("y")
    bells.ring_first("x")
    work.gate.set()
    await bells.idle()
    assert work.runs == ["x", "x", "y"]


async def test_a_launch_that_failed_goes_first_when_it_is_tried_again(work: Work, make: Make) -> None:
    """A place that is held is not kept waiting behind reports because the API server refused the first try."""
    bells = make(workers=1)
    work.failing.add("launch")
    bells.ring_first("launch")
    await settle()
    assert [uid for uid, _, _ in work.errors] == ["launch"]
    work.failing.clear()
    work.gate.clear()
    bells.ring("busy")
    bells.ring("report")
    async with asyncio.timeout(5):
        while work.runs.count("launch") < 2:  # noqa: ASYNC110  # a timer of the bells themselves is waited for
            await asyncio.sleep(0.01)
    assert "report" not in work.runs
    work.gate.set()
    await bells.idle()


async def test_reports_that_waited_for_launches_go_all_at_once_after_them(work: Work, make: Make) -> None:
    """With the last launch the limit on reports ends, also for those that waited at it."""
    bells = await a_launch_and_reports(work, make, 10)
    assert len(work.runs) == 1 + BESIDE_LAUNCHES
    work.let_go("launch")
    await settle()
    assert len(work.runs) == 1 + 10
    work.gate.set()
    await bells.idle()


async def test_what_was_launched_is_told_before_the_end(work: Work, make: Make) -> None:
    """`finish` leaves reports to the next start, but not those of builds that this process has launched."""
    bells = make(workers=1)
    work.gate.clear()
    bells.ring("busy")
    bells.ring_first("launched")
    bells.ring_first("launching")
    await settle()
    bells.ring("launched")  # its Job is there
    work.let_go("launched")
    await settle()
    bells.ring("other report")
    finishing = asyncio.create_task(bells.finish())
    await settle()
    bells.ring("launching")
    work.gate.set()
    async with asyncio.timeout(5):
        await finishing
    assert Counter(work.runs) == {"busy": 1, "launched": 2, "launching": 2}
