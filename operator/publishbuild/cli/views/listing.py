"""Builds in a row each, with the columns of `kubectl get pb` and, where the queue can be read, when each will start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from publishbuild.cli.views.durations import human_duration

Object = dict[str, Any]

_HEADINGS = ("NAME", "PHASE", "POSITION", "PLATFORM", "PROFILE", "ATTEMPTS", "REASON", "AGE")
_WIDE_HEADINGS = ("COMMIT", "JOB", "STARTED", "FINISHED")


class Entry(Protocol):
    """A build's place in the operator's exact queue."""

    @property
    def position(self) -> int:
        """1 is next."""
        ...

    @property
    def reason(self) -> str:
        """Why it waits."""
        ...

    @property
    def eta(self) -> datetime | None:
        """When it should start."""
        ...


class Line(Protocol):
    """The operator's exact queue."""

    def entry(self, uid: str) -> Entry | None:
        """The entry of the build of that uid."""
        ...


@dataclass(frozen=True)
class Listing:
    """How rows are made; ``queue`` is None where the operator's exact queue cannot be read."""

    queue: Line | None = None
    all_namespaces: bool = False
    wide: bool = False

    def headings(self) -> list[str]:
        """The first row."""
        names = [*(["NAMESPACE"] if self.all_namespaces else []), *_HEADINGS]
        if self.queue is not None:
            names.insert(names.index("POSITION") + 1, "ETA")
        return [*names, *(_WIDE_HEADINGS if self.wide else ())]

    def row(self, build: Object, now: datetime) -> list[str]:
        """The build's row."""
        metadata, spec, status = build["metadata"], build.get("spec") or {}, build.get("status") or {}
        entry = self.queue.entry(metadata["uid"]) if self.queue else None
        position = entry.position if entry else (status.get("queue") or {}).get("position")
        cells = [metadata["namespace"]] if self.all_namespaces else []
        cells += [metadata["name"], status.get("phase", ""), _text(position)]
        cells += [eta_text(entry.eta if entry else None, now)] if self.queue is not None else []
        cells += [spec.get("platform", ""), spec.get("profile", ""), _text(status.get("attempts")), _reason(status)]
        cells.append(_since(metadata.get("creationTimestamp"), now))
        if self.wide:
            commit, job = (status.get("source") or {}).get("commit", ""), (status.get("job") or {}).get("name", "")
            cells += [commit, job, _since(status.get("startTime"), now), _since(status.get("completionTime"), now)]
        return cells

    def rows(self, builds: Sequence[Object], now: datetime) -> list[list[str]]:
        """The headings and a row for each build."""
        return [self.headings(), *(self.row(build, now) for build in builds)]


def eta_text(eta: datetime | None, now: datetime) -> str:
    """How long from ``now``, as ``in 12m``; "" where nobody can tell."""
    if eta is None:
        return ""
    seconds = (eta - now).total_seconds()
    return "now" if seconds < 1 else f"in {human_duration(seconds)}"


def _reason(status: Object) -> str:
    succeeded: Object = next((c for c in status.get("conditions") or () if c["type"] == "Succeeded"), {})
    return str(succeeded.get("reason", ""))


def _since(moment: str | None, now: datetime) -> str:
    return human_duration((now - datetime.fromisoformat(moment)).total_seconds()) if moment else ""


def _text(number: int | None) -> str:
    return "" if number is None else str(number)
