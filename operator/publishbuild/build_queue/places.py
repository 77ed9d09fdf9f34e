"""Who waits, who has been given a place and how many places are free: this process's side of the queue.

Occupancy is derived from live Jobs, never counted up and down: a claim only bridges the moment between the queue's
answer and the Job's appearance in the store.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from publishbuild.decide.facts import JobFacts
from publishbuild.decide.order import Room, Waiting


class LiveJobs(Protocol):
    """Where the occupied places are read: `publishbuild.cluster.store.Store`."""

    def live_jobs(self) -> Iterator[JobFacts]:
        """The Jobs that have not ended."""
        ...

    def job(self, uid: str) -> JobFacts | None:
        """The Job of a build."""
        ...


@dataclass(frozen=True, slots=True)
class Changes:
    """What the index in Redis has not heard yet."""

    waiting: dict[str, str]
    gone: frozenset[str]


@dataclass(frozen=True, slots=True)
class Occupied:
    """The places that are taken now: by namespace, and the ``namespace:key`` of each busy concurrency key."""

    by_namespace: Counter[str]
    busy: frozenset[str]

    @property
    def total(self) -> int:
        """All places that are taken."""
        return self.by_namespace.total()


class Places:
    """The builds that wait (``waiting``: uid -> member) and the limits in force."""

    def __init__(self, jobs: LiveJobs, *, limit: int, namespace_limit: int) -> None:
        self.limit = limit
        self.namespace_limit = namespace_limit
        self.available = True
        self.changed = asyncio.Event()
        self.waiting: dict[str, str] = {}
        self.positions: dict[str, int] = {}
        self._jobs = jobs
        self._claims: dict[str, Waiting] = {}
        self._added: dict[str, str] = {}
        self._gone: set[str] = set()

    def enqueue(self, uid: str, member: str) -> None:
        """The build waits. Saying it again changes nothing; a new member moves it.

        One that was released just before stays in ``gone`` too: the index then forgets its claim before it waits again.
        """
        if self.waiting.get(uid) != member:
            self.waiting[uid] = self._added[uid] = member
            self.changed.set()

    def release(self, uid: str) -> None:
        """The build waits no longer, or its Job has ended: whoever is next may look."""
        if self.waiting.pop(uid, None) is not None:
            self._added.pop(uid, None)
            self._gone.add(uid)
        self._claims.pop(uid, None)
        self.positions.pop(uid, None)
        self.changed.set()

    def claim(self, uid: str) -> bool:
        """Note that the queue gave the build a place; False where it does not wait (any more)."""
        member = self.waiting.get(uid)
        if member is None:
            return False
        self._claims[uid] = Waiting.read(member)
        return True

    def is_claimed(self, uid: str) -> bool:
        """Whether the build holds a claim."""
        return uid in self._claims

    def take_changes(self) -> Changes:
        """What the index must hear; `give_back` where it could not be told."""
        changes = Changes(self._added, frozenset(self._gone))
        self._added, self._gone = {}, set()
        return changes

    def give_back(self, changes: Changes) -> None:
        """The index could not be told: the changes stay due, unless newer ones speak of the same build."""
        for uid, member in changes.waiting.items():
            if self.waiting.get(uid) == member:
                self._added.setdefault(uid, member)
        self._gone |= {uid for uid in changes.gone if uid not in self.waiting}

    def snapshot(self) -> tuple[dict[str, str], set[str]]:
        """All that the index must hold: waiting uid -> member, and which of them are claimed. No change is due then.

        Claims stay: a Job may be on its way for each of them, and its place is taken already.
        """
        self._added, self._gone = {}, set()
        return dict(self.waiting), set(self._claims)

    @property
    def has_changes(self) -> bool:
        """Whether the index has something to hear."""
        return bool(self._added or self._gone)

    def occupied(self) -> Occupied:
        """The places taken by live Jobs, and by claims whose Job is not seen yet."""
        by_namespace: Counter[str] = Counter()
        busy: set[str] = set()
        claims = [waiting for uid, waiting in self._claims.items() if self._jobs.job(uid) is None]
        for job in self._jobs.live_jobs():
            by_namespace[job.namespace] += 1
            if job.concurrency_key:
                busy.add(f"{job.namespace}:{job.concurrency_key}")
        for claim in claims:
            by_namespace[claim.namespace] += 1
            if claim.key:
                busy.add(f"{claim.namespace}:{claim.key}")
        return Occupied(by_namespace, frozenset(busy))

    def room(self) -> Room:
        """How many builds may start now."""
        occupied = self.occupied()
        return Room(
            places=max(0, self.limit - occupied.total),
            namespace_limit=self.namespace_limit,
            running=occupied.by_namespace,
            busy=occupied.busy,
        )

    def order(self) -> list[str]:
        """All waiting members, in order."""
        return sorted(member for uid, member in self.waiting.items() if uid not in self._claims)
