"""Dispatcher, places and a real Redis together: whatever Redis does, each build is launched once and limits hold."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from publishbuild.build_queue.places import Places
from publishbuild.build_queue.redis_queue import CLAIM_SECONDS, CLAIMS, EPOCH, MEMBERS, WAITING, RedisQueue
from publishbuild.cluster.live_jobs import LiveJobs
from publishbuild.decide.facts import JobFacts
from publishbuild.decide.order import member
from publishbuild.dispatcher import Dispatcher
from publishbuild.observe.metrics import Metrics
from tests.builders import NOW, a_job, counted

LIMIT, NAMESPACE_LIMIT = 3, 2
KEYS = {0: "k", 3: "k", 4: "k"}

FAULTS = ("flush", "half", "epoch", "down", "up", "late", "suspend", "move")
events = st.sampled_from(["turn", "turn", "turn", "launch", "launch", "end", *FAULTS])


class Life:
    """Builds that wait, run and end, around a dispatcher."""

    def __init__(self, url: str, count: int, *, direct: bool) -> None:
        self.redis: Redis = Redis.from_url(url)
        self.jobs: dict[str, JobFacts] = {}
        self.launched: Counter[str] = Counter()
        self.places = Places(self, limit=LIMIT, namespace_limit=NAMESPACE_LIMIT, direct=direct)
        self.good = RedisQueue(url, "life")
        self.bad = RedisQueue("redis://127.0.0.1:1/0", "life")
        self.time = 1000.0
        self.members = {f"uid-{n}": (n, 0) for n in range(count)}
        self.dispatcher = Dispatcher(
            queue=self.good,
            places=self.places,
            ring=lambda _: None,
            ring_first=lambda _: None,
            shown=lambda _: (None, None),
            metrics=Metrics(),
            clock=lambda: self.time,
            monotonic=lambda: self.time,
            spread=lambda: 0.0,
        )
        for uid in self.members:
            self.enqueue(uid)

    def enqueue(self, uid: str) -> None:
        number, priority = self.members[uid]
        text = member(
            priority=priority, created=NOW, entered=NOW, uid=uid, namespace=f"n{number % 2}", key=KEYS.get(number)
        )
        self.places.enqueue(uid, text)

    @property
    def live_jobs(self) -> LiveJobs:
        return counted(self.jobs.values())

    def job(self, uid: str) -> JobFacts | None:
        return self.jobs.get(uid)

    def check(self) -> None:
        live = [job for job in self.jobs.values() if not job.finished]
        assert len(live) <= LIMIT
        assert all(count <= NAMESPACE_LIMIT for count in Counter(job.namespace for job in live).values())
        assert sum(1 for job in live if job.concurrency_key) <= 2  # one a namespace
        assert all(count == 1 for count in self.launched.values())

    def launch(self) -> None:
        """What reconcile does with the first claim."""
        for uid in self.members:
            if self.places.is_claimed(uid):
                number = self.members[uid][0]
                job = a_job(uid=f"job-{uid}", build_uid=uid, namespace=f"n{number % 2}", key=KEYS.get(number))
                self.jobs[uid] = JobFacts.read(job)
                self.launched[uid] += 1
                self.places.release(uid)
                return

    def end(self) -> None:
        """The oldest live Job ends and goes."""
        for uid in self.jobs:
            del self.jobs[uid]
            self.places.release(uid)
            return

    async def happen(self, event: str) -> None:
        self.time += 0.5
        await getattr(self, f"on_{event}")()

    async def on_turn(self) -> None:
        await self.dispatcher._turn()

    async def on_launch(self) -> None:
        self.launch()

    async def on_end(self) -> None:
        self.end()

    async def on_flush(self) -> None:
        await self.redis.flushall()

    async def on_half(self) -> None:
        await self.redis.delete(WAITING, CLAIMS)

    async def on_epoch(self) -> None:
        await self.redis.delete(MEMBERS)
        await self.redis.set(EPOCH, "somebody")

    async def on_down(self) -> None:
        self.dispatcher._queue = self.bad

    async def on_up(self) -> None:
        self.dispatcher._queue = self.good

    async def on_late(self) -> None:
        self.time += CLAIM_SECONDS + 1

    async def on_suspend(self) -> None:
        self.change("suspend")

    async def on_move(self) -> None:
        self.change("move")

    def change(self, event: str) -> None:
        """The last one in line is suspended and resumed, or gets another priority."""
        for uid in reversed(self.members):
            if uid in self.places.waiting and not self.places.is_claimed(uid):
                if event == "suspend":
                    self.places.release(uid)
                else:
                    self.members[uid] = (self.members[uid][0], 5)
                self.enqueue(uid)
                return

    async def close(self) -> None:
        await self.good.close()
        await self.bad.close()
        await self.redis.aclose()


@pytest.mark.parametrize("direct", [False, True], ids=["hold", "direct"])
def test_each_build_is_launched_once_whatever_redis_does(redis_url: str, direct: bool) -> None:
    """With turns, launches, ends and faults of Redis in any mix, limits hold at every step and all are launched."""

    @given(st.lists(events, max_size=40), st.integers(min_value=1, max_value=8))
    def lives(history: list[str], count: int) -> None:
        async def one() -> None:
            life = Life(redis_url, count, direct=direct)
            try:
                await life.redis.flushall()
                for event in history:
                    await life.happen(event)
                    life.check()
                await life.happen("up")
                for _ in range(count * 4 + 8):
                    for event in ("turn", "launch", "launch", "launch", "end"):
                        await life.happen(event)
                        life.check()
                assert set(life.launched) == set(life.members)
                await life.dispatcher._turn()
                assert not await life.redis.exists(WAITING, MEMBERS, CLAIMS)
            finally:
                await life.close()

        asyncio.run(one())

    lives()
