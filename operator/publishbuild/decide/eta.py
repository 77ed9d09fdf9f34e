"""When each waiting build would start, if all builds ran as long as such builds usually do.

The future is played through: a place becomes free when the build in it is due to end, and goes to the first in line
that its namespace's limit and its concurrency key let start. It is a guess: builds that come later and go first (a
higher priority, a namespace whose turn it is), cancellations, pauses and retries move it.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from publishbuild.decide.order import Waiting

# Seconds from now at which a build is due to end, its namespace, slot or "", and whether it takes a place.
_End = tuple[float, str, str, bool]

# What is farther than this is not worth a guess.
_FARTHEST_SECONDS = 365 * 86_400


@dataclass(frozen=True, slots=True)
class Taken:
    """A place that a build holds, which runs for ``seconds`` as a rule.

    ``slot`` is the ``namespace:key`` of its concurrency key, None without one; ``started`` is None where its Job has
    not started; ``ending`` says that it is being stopped. An ``orphan`` takes no place, and counts in its namespace.
    """

    namespace: str
    slot: str | None
    seconds: float
    started: datetime | None = None
    ending: bool = False
    orphan: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """How many builds may run at once, at least 1; ``in_namespace`` in each namespace, 0 is no limit.

    The last ``reserved`` of ``total``, never all, go only to namespaces that have nothing running.
    """

    total: int
    in_namespace: int
    reserved: int = 0


def start_times(
    line: Iterable[tuple[Waiting, float]], taken: Iterable[Taken], limits: Limits, now: datetime
) -> dict[str, datetime]:
    """When each build of ``line``, first first, would start, by uid: in whole seconds, never before ``now``.

    Beside each stands for how many seconds it runs as a rule. One that would start in more than a year is left out.
    """
    future = _Future(line, [_end_of(place, now) for place in taken], limits)
    begins = now.replace(microsecond=0)
    late = (now - begins).total_seconds()
    return {uid: begins + timedelta(seconds=math.ceil(seconds + late)) for uid, seconds in future.starts().items()}


def _end_of(place: Taken, now: datetime) -> _End:
    return _seconds_left(place, now), place.namespace, place.slot or "", not place.orphan


def _seconds_left(place: Taken, now: datetime) -> float:
    """Until the place is free; a build that runs longer than usual may end at any moment."""
    if place.ending:
        return 0.0
    ran = (now - place.started).total_seconds() if place.started else 0.0
    return max(0.0, place.seconds - max(0.0, ran))


class _Future:
    """The places from now on. No step looks at all that waits, however many keys and full namespaces there are.

    Builds of one namespace and key can only start one after another: a group. A namespace's line holds the first of
    each of its groups whose key is free, by position. ``_idle`` and ``_active`` hold the first of each line whose
    namespace is not full, by position: of namespaces in which nothing runs, and of the others. An entry that is no
    longer so is passed over.
    """

    def __init__(self, line: Iterable[tuple[Waiting, float]], ends: list[_End], limits: Limits) -> None:
        self._limits = limits
        self._ends = ends
        heapq.heapify(self._ends)
        self._taken = sum(takes_place for *_, takes_place in ends)
        self._running = Counter(namespace for _, namespace, *_ in ends)
        self._busy = Counter(slot for _, _, slot, _ in ends if slot)
        self._groups: dict[tuple[str, str], deque[tuple[int, str, float]]] = {}
        for position, (build, seconds) in enumerate(line):
            key = build.namespace, build.slot or ""
            self._groups.setdefault(key, deque()).append((position, build.uid, seconds))
        self._waiting = sum(map(len, self._groups.values()))
        self._lines: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        self._idle: list[tuple[int, str]] = []
        self._active: list[tuple[int, str]] = []
        for namespace, slot in self._groups:
            self._step_forward(namespace, slot)
        for namespace in self._lines:
            self._note_first(namespace)

    def starts(self) -> dict[str, float]:
        """Seconds from now until each build starts, by uid."""
        found: dict[str, float] = {}
        now = 0.0
        while len(found) < self._waiting and now < _FARTHEST_SECONDS:
            namespace = self._next()
            if namespace is not None:
                found[self._start(namespace, now)] = now
            else:
                now = max(now, self._free())
        return found

    def _step_forward(self, namespace: str, slot: str) -> None:
        """The next of a group comes into its namespace's line, unless its key is busy."""
        group = self._groups.get((namespace, slot))
        if group and not self._busy[slot]:
            heapq.heappush(self._lines[namespace], (group[0][0], slot))

    def _note_first(self, namespace: str) -> None:
        line = self._lines[namespace]
        if line and not self._is_full(namespace):
            heapq.heappush(self._active if self._running[namespace] else self._idle, (line[0][0], namespace))

    def _is_full(self, namespace: str) -> bool:
        return min(self._limits.in_namespace or self._limits.total, self._limits.total) <= self._running[namespace]

    def _next(self) -> str | None:
        """The namespace of the first that may start now; None where a place must become free first."""
        free = self._limits.total - self._taken
        if free <= 0:
            return None
        idle = self._first_of(self._idle, active=False)
        active = self._first_of(self._active, active=True) if free > self._limits.reserved else None
        first = min((entry for entry in (idle, active) if entry), default=None)
        return first[1] if first else None

    def _first_of(self, noted: list[tuple[int, str]], *, active: bool) -> tuple[int, str] | None:
        while noted:
            position, namespace = noted[0]
            line = self._lines[namespace]
            known = line and line[0][0] == position and bool(self._running[namespace]) is active
            if known and not self._is_full(namespace):
                return noted[0]
            heapq.heappop(noted)
        return None

    def _start(self, namespace: str, now: float) -> str:
        """Start the first of a namespace's line: its uid."""
        _, slot = heapq.heappop(self._lines[namespace])
        _, uid, seconds = self._groups[namespace, slot].popleft()
        heapq.heappush(self._ends, (now + seconds, namespace, slot, True))
        self._taken += 1
        self._running[namespace] += 1
        if slot:
            self._busy[slot] += 1
        self._step_forward(namespace, slot)
        self._note_first(namespace)
        return uid

    def _free(self) -> float:
        """End the build that is due first, so that those behind it step forward; when that is."""
        end, namespace, slot, takes_place = heapq.heappop(self._ends)
        self._taken -= takes_place
        self._running[namespace] -= 1
        if slot:
            self._busy[slot] -= 1
            self._step_forward(namespace, slot)
        self._note_first(namespace)
        return end
