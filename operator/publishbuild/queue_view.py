"""The queue as it is shown: on ``/v1/queue``, in the metrics, and compared with what the statuses say."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from publishbuild.build_queue.places import Places
from publishbuild.cluster.run_history import kind_of
from publishbuild.cluster.store import Store
from publishbuild.decide.eta import Limits, Taken, start_times
from publishbuild.decide.facts import JobFacts, Orphan
from publishbuild.decide.order import Waiting
from publishbuild.decide.run_times import Kind, usual_seconds
from publishbuild.models.base import rfc3339, rfc3339_micro
from publishbuild.names import QueueReason

# Nobody needs it newer than this; and of a long queue, telling it may take this share of the operator's time.
FRESH_SECONDS = 1.0
MOST_OF_THE_TIME = 0.1

_REASONS = {str(reason): reason for reason in QueueReason}
# Nobody knows when these are lifted.
_HELD = (QueueReason.QUEUE_PAUSED, QueueReason.REDIS_UNAVAILABLE)
_UNKNOWN: Kind = ("", "")


class QueueView:
    """Reads `Places` and `Store`; changes nothing."""

    def __init__(
        self, store: Store, places: Places, *, clock: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        self._store = store
        self._places = places
        self._clock = clock
        self._monotonic = monotonic
        self._text = ""
        self._stale_at = 0.0

    def text(self) -> str:
        """`queue` as JSON, made anew at most once in `FRESH_SECONDS`, however often it is asked for."""
        began = self._monotonic()
        if not self._text or began >= self._stale_at:
            self._text = json.dumps(self.queue(), separators=(",", ":"))
            took = self._monotonic() - began
            self._stale_at = began + max(FRESH_SECONDS, took / MOST_OF_THE_TIME)
        return self._text

    def queue(self) -> dict[str, Any]:
        """The exact order of what waits, with the limit and the places taken; by uid, so that no name is told."""
        now = self._clock()
        reason = self._places.reasons()
        line = [(build, reason(build)) for build in map(self._places.member, self._places.order())]
        etas = self._etas([build for build, why in line if why not in _HELD], now)
        waiting = [
            {"position": position, "uid": build.uid, "reason": why, "eta": etas.get(build.uid)}
            for position, (build, why) in enumerate(line, start=1)
        ]
        return {
            "time": rfc3339_micro(now),
            "redis": "up" if self._places.available else "unavailable",
            "limit": self._places.limit,
            "running": self._places.occupied().total,
            "waiting": waiting,
        }

    def depth(self) -> Mapping[tuple[str, str], int]:
        """How many builds wait, by (namespace, reason)."""
        reason = self._places.reasons()
        waiting = map(Waiting.read, self._places.waiting.values())
        return Counter((build.namespace, str(reason(build))) for build in waiting)

    def running(self) -> Mapping[str, int]:
        """How many builds occupy a place, by namespace."""
        return self._places.occupied().by_namespace

    def shown(self, uid: str) -> tuple[int | None, QueueReason | None]:
        """What the build's status says: its position, and why it waits."""
        record = self._store.record(uid)
        queue = record.build["status"].get("queue", {}) if record else {}
        reason = queue.get("reason")
        return queue.get("position"), _REASONS.get(str(reason))

    def _etas(self, line: list[Waiting], now: datetime) -> dict[str, str]:
        """When each of ``line`` would start; none where no build has ended yet."""
        usual = usual_seconds(self._store.history.runs())
        if usual is None:
            return {}
        places = self._places
        in_line = [(build, usual(self._kind(build.uid))) for build in line]
        taken = [self._taken(holder, usual) for holder in places.taken()]
        starts = start_times(in_line, taken, Limits(places.limit, places.namespace_limit, places.reserved), now)
        return {uid: rfc3339(start) for uid, start in starts.items()}

    def _taken(self, holder: JobFacts | Orphan | Waiting, usual: Callable[[Kind], float]) -> Taken:
        if isinstance(holder, Waiting):
            return Taken(holder.namespace, holder.slot, usual(self._kind(holder.uid)))
        if isinstance(holder, Orphan):
            seconds = usual(_UNKNOWN)
            return Taken(holder.namespace, holder.slot, seconds, holder.started, ending=holder.deleting, orphan=True)
        seconds = usual(self._kind(holder.build_uid))
        return Taken(holder.namespace, holder.slot, seconds, holder.started, ending=holder.deleting)

    def _kind(self, uid: str) -> Kind:
        record = self._store.record(uid)
        return kind_of(record.build) if record else _UNKNOWN
