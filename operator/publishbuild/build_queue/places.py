"""Who waits, who has been given a place and how many places are free: this process's side of the queue.

Occupancy is derived from live Jobs, never counted up and down: a claim only bridges the moment between the queue's
answer and the Job's appearance in the store.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from publishbuild.build_queue.turns import Turns
from publishbuild.decide.facts import JobFacts, Orphan, QueueFacts
from publishbuild.decide.order import Room, Waiting, choose, order
from publishbuild.decide.queue_reason import reason_in_line
from publishbuild.names import QueueReason

NUMBERED_SECONDS = 0.25


class Counts(Protocol):
    """How many Jobs live: `publishbuild.cluster.live_jobs`."""

    by_namespace: Counter[str]
    orphans_by_namespace: Counter[str]
    by_slot: Counter[str]

    def __iter__(self) -> Iterator[JobFacts]:
        """The Jobs of builds."""
        ...

    @property
    def orphans(self) -> Iterable[Orphan]:
        """What no build owns."""
        ...


class Jobs(Protocol):
    """Where the occupied places are read: `publishbuild.cluster.store.Store`."""

    @property
    def live_jobs(self) -> Counts:
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
    """The places that are taken now: by namespace, and the ``namespace:key`` of each busy concurrency key.

    ``orphans`` takes no place, but counts in its own namespace.
    """

    by_namespace: Counter[str]
    orphans: Counter[str]
    busy: AbstractSet[str]

    @property
    def total(self) -> int:
        """All places that are taken."""
        return self.by_namespace.total()

    def runs_in(self, namespace: str) -> int:
        """What counts in one namespace."""
        return self.by_namespace.get(namespace, 0) + self.orphans.get(namespace, 0)

    @property
    def shares(self) -> Counter[str]:
        """What counts in each namespace."""
        return self.by_namespace + self.orphans if self.orphans else self.by_namespace


class Places:
    """The builds that wait (``waiting``: uid -> member) and the limits in force.

    ``direct`` launches without Redis while it is away. ``paused_by`` names the namespace whose annotation keeps a
    namespace from launching, None where nothing does. ``ranked`` are the namespaces whose builds' priority counts
    against those of other namespaces. The last ``reserved`` places go only to namespaces that have nothing running, as
    long as ``shared`` says that more than one has builds.
    """

    def __init__(
        self,
        jobs: Jobs,
        *,
        limit: int,
        namespace_limit: int,
        direct: bool = False,
        paused_by: Callable[[str], str | None] = lambda _: None,
        ranked: Collection[str] = (),
        reserved: int = 0,
        shared: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limit = limit
        self.namespace_limit = namespace_limit
        self.direct = direct
        self.available = True
        # A new leader looks at all builds once before it launches any: see `publishbuild.service`.
        self.opening = False
        # Whether a position or a reason may have changed since somebody last cleared it.
        self.moved = True
        self.changed = asyncio.Event()
        self._order_stale = True
        self._known_order: list[str] = []
        self.waiting: dict[str, str] = {}
        self._positions: dict[str, int] = {}
        self._numbered = -math.inf
        # Those that may be shown another position now, by the dispatcher's budget.
        self.moving: frozenset[str] = frozenset()
        self.paused_by = paused_by
        self._ranked = frozenset(ranked)
        self._reserved = reserved
        self._shared = shared
        self._jobs = jobs
        self._clock = clock
        self._turns = Turns()
        self._claims: dict[str, Waiting] = {}
        self._added: dict[str, str] = {}
        self._gone: set[str] = set()
        # How many wait in each namespace: those that wait for a turn are then known without a look at all builds.
        self._lines: Counter[str] = Counter()

    def begin(self, launched: Iterable[str]) -> None:
        """Begin to lead: ``launched`` are the namespaces in the order of their last launch, the longest ago first."""
        self._turns.begin(launched)
        self._order_stale = True

    def enqueue(self, uid: str, member: str) -> None:
        """The build waits. Saying it again changes nothing; a new member moves it.

        One that was released just before stays in ``gone`` too: the index then forgets its claim before it waits again.
        """
        before = self.waiting.get(uid)
        if before != member:
            if before is None:
                self._lines[Waiting.read(member).namespace] += 1
            self.waiting[uid] = self._added[uid] = member
            self.look_again()

    def release(self, uid: str) -> None:
        """The build waits no longer, or its Job has ended: whoever is next may look."""
        member = self.waiting.pop(uid, None)
        if member is not None:
            namespace = Waiting.read(member).namespace
            self._lines[namespace] -= 1
            if not self._lines[namespace]:
                del self._lines[namespace]
            self._added.pop(uid, None)
            self._gone.add(uid)
        self._claims.pop(uid, None)
        self._positions.pop(uid, None)
        self.look_again()

    def look_again(self) -> None:
        """Somebody may get a place, or wait for another reason than before."""
        self.moved = self._order_stale = True
        self.changed.set()

    def claim(self, uid: str) -> bool:
        """Note that the queue gave the build a place; False where it does not wait (any more)."""
        member = self.waiting.get(uid)
        if member is None:
            return False
        self.moved = self._order_stale = True
        claimed = self._claims[uid] = Waiting.read(member)
        self._turns.launched(claimed.namespace)
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

    @property
    def wanted(self) -> bool:
        """Whether somebody stands in line while a place is free that may be for them."""
        if len(self.waiting) <= len(self._claims):
            return False
        occupied = self.occupied()
        free = self.limit - occupied.total
        return free > 0 and (free > self.reserved or any(not occupied.runs_in(name) for name in self._lines))

    @property
    def reserved(self) -> int:
        """How many of the last free places go only to namespaces that have nothing running."""
        return self._reserved if self._reserved and self._shared() else 0

    def taken(self) -> list[JobFacts | Orphan | Waiting]:
        """What holds a place, or counts in its namespace: live Jobs, orphans, and claims whose Job is not seen yet."""
        return [*self._jobs.live_jobs, *self._jobs.live_jobs.orphans, *self._jobless_claims()]

    def occupied(self) -> Occupied:
        """The places that are taken now."""
        live, claims = self._jobs.live_jobs, self._jobless_claims()
        by_namespace = Counter(live.by_namespace)
        by_namespace.update(claim.namespace for claim in claims)
        busy = live.by_slot.keys() | {claim.slot for claim in claims if claim.slot}
        return Occupied(by_namespace, live.orphans_by_namespace, busy)

    def _jobless_claims(self) -> list[Waiting]:
        return [waiting for uid, waiting in self._claims.items() if self._jobs.job(uid) is None]

    def facts(
        self, uid: str, *, namespace: str, slot: str | None, entered: datetime, occupied: Occupied | None = None
    ) -> QueueFacts:
        """How a build stands in the queue; ``slot`` is the ``namespace:key`` of its concurrency key."""
        occupied = occupied or self.occupied()
        return QueueFacts(
            entered=entered,
            available=self.available,
            opening=self.opening,
            direct=self.direct,
            in_line=uid in self.waiting,
            claimed=self.is_claimed(uid),
            position=self._position(uid),
            may_move=uid in self.moving,
            paused_by=self.paused_by(namespace),
            key_busy=slot in occupied.busy,
            running=occupied.total,
            limit=self.limit,
            reserved=self.reserved,
            running_in_namespace=occupied.runs_in(namespace),
            without_build=occupied.orphans.get(namespace, 0),
            namespace_limit=self.namespace_limit,
        )

    def reasons(self) -> Callable[[Waiting], QueueReason]:
        """Tells why a build of ``waiting`` waits at this moment; quick for thousands, since most are alike."""
        occupied = self.occupied()
        known: dict[tuple[str, bool], QueueReason] = {}

        def reason(waiting: Waiting) -> QueueReason:
            alike = waiting.namespace, waiting.slot in occupied.busy
            if alike not in known:
                facts = self.facts(
                    waiting.uid,
                    namespace=waiting.namespace,
                    slot=waiting.slot,
                    entered=waiting.entered,
                    occupied=occupied,
                )
                known[alike] = reason_in_line(facts)
            return known[alike]

        return reason

    def room(self) -> Room:
        """How many builds may start now, and whose turn it is."""
        occupied = self.occupied()
        return Room(
            places=max(0, self.limit - occupied.total),
            # With orphans, which take no place, a namespace could have more than all places.
            namespace_limit=min(self.namespace_limit or self.limit, self.limit),
            running=occupied.shares,
            busy=occupied.busy,
            turns={namespace: self._turns.of(namespace) for namespace in self._lines if not self.paused_by(namespace)},
            ranked=self._ranked,
            reserved=self.reserved,
        )

    def member(self, uid: str) -> Waiting:
        """How a build of ``waiting`` stands in line."""
        return Waiting.read(self.waiting[uid])

    def order(self) -> list[str]:
        """Uids of all that wait in the order in which they would start were there room for all; paused ones last."""
        if self._order_stale:
            self._known_order, self._order_stale = self._new_order(), False
        return self._known_order

    def numbered(self) -> dict[str, int]:
        """The position of each that waits, 1 for the next one, as they are now."""
        self._positions = {uid: position for position, uid in enumerate(self.order(), start=1)}
        self._numbered = self._clock()
        return self._positions

    def _position(self, uid: str) -> int | None:
        # One that came since is numbered with all that came with it: not all anew for each of them.
        if uid in self.waiting and uid not in self._positions and self._clock() - self._numbered >= NUMBERED_SECONDS:
            self.numbered()
        return self._positions.get(uid)

    def _new_order(self) -> list[str]:
        line = self._unclaimed()
        return [*self._order(line, paused=False), *self._order(line, paused=True)]

    def may_start(self) -> list[str]:
        """What the queue would hand out now: for a launch without it."""
        return choose(self._unclaimed(), self.room())

    def _unclaimed(self) -> list[str]:
        """The members that stand in line for a place."""
        return [member for uid, member in self.waiting.items() if uid not in self._claims]

    def _order(self, line: list[str], *, paused: bool) -> list[str]:
        turns = {name: self._turns.of(name) for name in self._lines if bool(self.paused_by(name)) is paused}
        return order(line, turns, self._ranked)
