"""When each waiting build would start, if all builds ran as long as such builds usually do.

The future is played through: a place becomes free when the build in it is due to end, and goes to the first in line
that its namespace's limit and its concurrency key let start. It is a guess: builds that come later and go first (a
higher priority, a namespace whose turn it is), cancellations, pauses and retries move it.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from publishbuild.decide.order import Waiting

# What is farther than this is not worth a guess.
_FARTHEST_SECONDS = 365 * 86_400


@dataclass(frozen=True, slots=True)
class Taken:
    """A place that a build holds, which runs for ``seconds`` as a rule.

    ``slot`` is the ``namespace:key`` of its concurrency key, None without one; ``started`` is None where its Job has
    not started; ``ending`` says that it is being stopped.
    """

    namespace: str
    slot: str | None
    seconds: float
    started: datetime | None = None
    ending: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """How many builds may run at once, at least 1; ``in_namespace`` in each namespace, 0 is no limit."""

    total: int
    in_namespace: int


def start_times(
    line: Iterable[tuple[Waiting, float]], taken: Iterable[Taken], limits: Limits, now: datetime
) -> dict[str, datetime]:
    """When each build of ``line``, first first, would start, by uid: in whole seconds, never before ``now``.

    Beside each stands for how many seconds it runs as a rule. One that would start in more than a year is left out.
    """
    future = _Future(line, [(_seconds_left(place, now), place.namespace, place.slot or "") for place in taken], limits)
    begins = now.replace(microsecond=0)
    late = (now - begins).total_seconds()
    return {uid: begins + timedelta(seconds=math.ceil(seconds + late)) for uid, seconds in future.starts().items()}


def _seconds_left(place: Taken, now: datetime) -> float:
    """Until the place is free; a build that runs longer than usual may end at any moment."""
    if place.ending:
        return 0.0
    ran = (now - place.started).total_seconds() if place.started else 0.0
    return max(0.0, place.seconds - max(0.0, ran))


class _Future:
    """The places from now on. Builds with the same namespace and key can only start one after another: a group."""

    def __init__(
        self, line: Iterable[tuple[Waiting, float]], ends: list[tuple[float, str, str]], limits: Limits
    ) -> None:
        self._limits = limits
        # (seconds from now, namespace, slot or "") of each place that is taken, the first to become free first.
        self._ends = ends
        heapq.heapify(self._ends)
        self._running = Counter(namespace for _, namespace, _ in self._ends)
        self._busy = Counter(slot for _, _, slot in self._ends)
        self._groups: dict[tuple[str, str], deque[tuple[int, str, float]]] = {}
        for position, (build, seconds) in enumerate(line):
            key = build.namespace, build.slot or ""
            self._groups.setdefault(key, deque()).append((position, build.uid, seconds))
        # The first of each group that nothing but a free place holds back, by position; the others by what holds them.
        self._ready = [(group[0][0], key) for key, group in self._groups.items()]
        heapq.heapify(self._ready)
        self._held: dict[str, list[tuple[str, str]]] = {}

    def starts(self) -> dict[str, float]:
        """Seconds from now until each build starts, by uid."""
        found: dict[str, float] = {}
        now = 0.0
        while (self._ready or self._held) and now < _FARTHEST_SECONDS:
            if self._ready and len(self._ends) < self._limits.total:
                uid = self._start_next(now)
                if uid:
                    found[uid] = now
            else:
                now = max(now, self._free())
        return found

    def _start_next(self, now: float) -> str:
        """Start the first that is ready: its uid, or "" where its namespace or its key holds it back after all."""
        _, key = heapq.heappop(self._ready)
        namespace, slot = key
        holder = slot if slot and self._busy[slot] else namespace if self._is_full(namespace) else ""
        if holder:
            self._held.setdefault(holder, []).append(key)
            return ""
        group = self._groups[key]
        _, uid, seconds = group.popleft()
        if group:
            heapq.heappush(self._ready, (group[0][0], key))
        heapq.heappush(self._ends, (now + seconds, namespace, slot))
        self._running[namespace] += 1
        self._busy[slot] += 1
        return uid

    def _is_full(self, namespace: str) -> bool:
        return 0 < self._limits.in_namespace <= self._running[namespace]

    def _free(self) -> float:
        """End the build that is due first, and let those who were held back by it try again; its end."""
        end, namespace, slot = heapq.heappop(self._ends)
        self._running[namespace] -= 1
        self._busy[slot] -= 1
        # A namespace's name holds no colon and a slot does, so that the two cannot be taken for each other.
        for key in [*self._held.pop(slot, ()), *self._held.pop(namespace, ())]:
            heapq.heappush(self._ready, (self._groups[key][0][0], key))
        return end
