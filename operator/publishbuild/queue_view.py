"""The queue as it is shown: on ``/v1/queue``, in the metrics, and compared with what the statuses say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from publishbuild.build_queue.places import Occupied, Places
from publishbuild.cluster.store import Store
from publishbuild.decide.order import Waiting
from publishbuild.names import QueueReason


class QueueView:
    """Reads `Places` and `Store`; changes nothing."""

    def __init__(self, store: Store, places: Places) -> None:
        self._store = store
        self._places = places

    def queue(self) -> dict[str, Any]:
        """The exact order of what waits, with the limit and the places taken, as JSON."""
        occupied = self._places.occupied()
        return {
            "redis": "up" if self._places.available else "unavailable",
            "limit": self._places.limit,
            "running": occupied.total,
            "waiting": [
                self._in_line(position, uid, occupied) for position, uid in enumerate(self._places.order(), start=1)
            ],
        }

    def depth(self) -> Mapping[tuple[str, str], int]:
        """How many builds wait, by (namespace, reason)."""
        places, occupied = self._places, self._places.occupied()
        return Counter(
            (Waiting.read(member).namespace, str(places.reason(uid, occupied)))
            for uid, member in places.waiting.items()
        )

    def running(self) -> Mapping[str, int]:
        """How many builds occupy a place, by namespace."""
        return self._places.occupied().by_namespace

    def shown(self, uid: str) -> tuple[int | None, QueueReason | None]:
        """What the build's status says: its position, and why it waits."""
        record = self._store.record(uid)
        queue = record.build["status"].get("queue", {}) if record else {}
        reason = queue.get("reason")
        return queue.get("position"), QueueReason(reason) if reason in set(QueueReason) else None

    def _in_line(self, position: int, uid: str, occupied: Occupied) -> dict[str, Any]:
        record = self._store.record(uid)
        build = record.build if record else {"metadata": {}, "spec": {}}
        return {
            "position": position,
            "namespace": build["metadata"].get("namespace"),
            "name": build["metadata"].get("name"),
            "priority": build["spec"].get("priority", 0),
            "created": build["metadata"].get("creationTimestamp"),
            "reason": self._places.reason(uid, occupied),
        }
