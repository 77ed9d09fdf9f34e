"""The queue as it is shown: on ``/v1/queue``, in the metrics, and compared with what the statuses say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from publishbuild.build_queue.places import Places
from publishbuild.cluster.store import Store
from publishbuild.names import QueueReason

_REASONS = {str(reason): reason for reason in QueueReason}


class QueueView:
    """Reads `Places` and `Store`; changes nothing."""

    def __init__(self, store: Store, places: Places) -> None:
        self._store = store
        self._places = places

    def queue(self) -> dict[str, Any]:
        """The exact order of what waits, with the limit and the places taken, as JSON."""
        reason = self._places.reasons()
        return {
            "redis": "up" if self._places.available else "unavailable",
            "limit": self._places.limit,
            "running": self._places.occupied().total,
            "waiting": [
                self._in_line(position, uid, reason(uid)) for position, uid in enumerate(self._places.order(), start=1)
            ],
        }

    def depth(self) -> Mapping[tuple[str, str], int]:
        """How many builds wait, by (namespace, reason)."""
        reason = self._places.reasons()
        waiting = self._places.waiting.items()
        return Counter((member.partition(":")[0], str(reason(uid))) for uid, member in waiting)

    def running(self) -> Mapping[str, int]:
        """How many builds occupy a place, by namespace."""
        return self._places.occupied().by_namespace

    def shown(self, uid: str) -> tuple[int | None, QueueReason | None]:
        """What the build's status says: its position, and why it waits."""
        record = self._store.record(uid)
        queue = record.build["status"].get("queue", {}) if record else {}
        reason = queue.get("reason")
        return queue.get("position"), _REASONS.get(str(reason))

    def _in_line(self, position: int, uid: str, reason: QueueReason) -> dict[str, Any]:
        record = self._store.record(uid)
        build = record.build if record else {"metadata": {}, "spec": {}}
        return {
            "position": position,
            "namespace": build["metadata"].get("namespace"),
            "name": build["metadata"].get("name"),
            "priority": build["spec"].get("priority", 0),
            "created": build["metadata"].get("creationTimestamp"),
            "reason": reason,
        }
