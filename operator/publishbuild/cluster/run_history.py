"""The last builds that ended, for a guess at how long others will run: from their statuses, in memory alone."""

from __future__ import annotations

import heapq
from datetime import datetime
from typing import Any

from publishbuild.decide.run_times import Kind, Run

REMEMBERED = 100


class RunHistory:
    """The runs of the `REMEMBERED` builds that ended last, whether they still exist or not."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        # A heap of (end, uid), the longest ago first.
        self._ends: list[tuple[float, str]] = []

    def note(self, build: dict[str, Any]) -> None:
        """Take in a build as last seen, any number of times; one that has not run to an end tells nothing."""
        uid, status = build["metadata"]["uid"], build.get("status") or {}
        if uid in self._runs or not status.get("completionTime"):
            return
        try:
            began, ended = (datetime.fromisoformat(status[at]).timestamp() for at in ("startTime", "completionTime"))
        except (KeyError, TypeError, ValueError):
            # Never launched, or somebody else wrote the status.
            return
        heapq.heappush(self._ends, (ended, uid))
        self._runs[uid] = Run(kind_of(build), max(0.0, ended - began))
        if len(self._ends) > REMEMBERED:
            del self._runs[heapq.heappop(self._ends)[1]]

    def runs(self) -> list[Run]:
        """Those that are remembered."""
        return list(self._runs.values())


def kind_of(build: dict[str, Any]) -> Kind:
    """What a build's run time depends on; the API server has filled in the defaults."""
    spec = build["spec"]
    return spec.get("platform", ""), spec.get("profile", "")
