"""Which namespaces have builds, or had some in the last day: while it is one alone, nothing is kept for others."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

QUIET = timedelta(hours=24)
# So many namespaces whose builds have all ended are remembered; of more, those noted longest ago are forgotten.
_REMEMBERED = 10_000


class Activity:
    """Knows it from the builds as they come, end and go; a build that was deleted is forgotten by the next process."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        # When a build of the namespace was made, has ended or was deleted last. The one noted last stands last.
        self._last: dict[str, datetime] = {}

    def opened(self, namespace: str) -> None:
        """A build that has not ended is there."""
        self._open[namespace] += 1

    def closed(self, namespace: str, at: datetime) -> None:
        """It has ended, or was deleted."""
        self._open[namespace] -= 1
        if not self._open[namespace]:
            del self._open[namespace]
        self.seen(namespace, at)

    def seen(self, namespace: str, at: datetime) -> None:
        """The namespace had a build at that time."""
        known = self._last.pop(namespace, at)
        self._last[namespace] = max(known, at)
        if len(self._last) > _REMEMBERED:
            del self._last[next(iter(self._last))]

    def is_shared(self, now: datetime) -> bool:
        """Whether two namespaces or more have a build that has not ended, or had one in the last `QUIET` hours."""
        if len(self._open) > 1:
            return True
        active = set(self._open)
        quiet = []
        for namespace, at in self._last.items():
            if now - at < QUIET:
                active.add(namespace)
                if len(active) > 1:
                    break
            else:
                quiet.append(namespace)
        # Each is looked at once: what was quiet for a day is asked for no more.
        for namespace in quiet:
            del self._last[namespace]
        return len(active) > 1
