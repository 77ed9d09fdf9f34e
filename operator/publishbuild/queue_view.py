"""The queue as it is shown: on ``/v1/queue``, in the metrics, and compared with what the statuses say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from publishbuild.build_queue.places import Places
from publishbuild.cluster.store import Store
from publishbuild.decide.order import Waiting
from publishbuild.names import QueueReason


class QueueView:
    """Reads `Places` and `Store`; changes nothing."""

    def __init__(self, store: Store, places: Places, *, direct: bool) -> None:
        self._store = store
        self._places = places
        self._direct = direct

    def queue(self) -> dict[str, Any]:
        """The exact order of what waits, with the limit and the places taken, as JSON."""
        occupied = self._places.occupied()
        return {
            "redis": "up" if self._places.available else "unavailable",
            "limit": self._places.limit,
            "running": occupied.total,
            "waiting": [
                self._in_line(position, Waiting.read(member))
                for position, member in enumerate(self._places.order(), start=1)
            ],
        }

    def depth(self) -> Mapping[tuple[str, str], int]:
        """How many builds wait, by (namespace, reason)."""
        members = [Waiting.read(member) for member in self._places.waiting.values()]
        return Counter((waiting.namespace, self._reason(waiting.uid)) for waiting in members)

    def running(self) -> Mapping[str, int]:
        """How many builds occupy a place, by namespace."""
        return self._places.occupied().by_namespace

    def shown(self, uid: str) -> tuple[int | None, bool]:
        """What the build's status says: its position, and whether Redis is unavailable."""
        queue = self._recorded(uid)
        return queue.get("position"), queue.get("reason") == QueueReason.REDIS_UNAVAILABLE

    def _in_line(self, position: int, waiting: Waiting) -> dict[str, Any]:
        record = self._store.record(waiting.uid)
        build = record.build if record else {"metadata": {}, "spec": {}}
        return {
            "position": position,
            "namespace": waiting.namespace,
            "name": build["metadata"].get("name"),
            "priority": build["spec"].get("priority", 0),
            "created": build["metadata"].get("creationTimestamp"),
            "reason": self._reason(waiting.uid),
        }

    def _reason(self, uid: str) -> str:
        if not self._places.available and not self._direct:
            return QueueReason.REDIS_UNAVAILABLE
        return str(self._recorded(uid).get("reason", QueueReason.WAITING))

    def _recorded(self, uid: str) -> dict[str, Any]:
        record = self._store.record(uid)
        recorded: dict[str, Any] = record.build["status"].get("queue", {}) if record else {}
        return recorded
