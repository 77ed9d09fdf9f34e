"""The queue in its exact order, as far as its builds may be seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from publishbuild.cli.views.durations import human_duration
from publishbuild.cli.views.listing import Entry, eta_text

Object = dict[str, Any]

HEADINGS = ("POSITION", "NAMESPACE", "NAME", "PRIORITY", "REASON", "ETA", "AGE")


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the queue; ``build`` is None where it may not be seen."""

    position: int
    reason: str
    eta: datetime | None = None
    build: Object | None = None

    def as_data(self) -> Object:
        """For programs."""
        metadata = self.build["metadata"] if self.build else {}
        return {
            "position": self.position,
            "namespace": metadata.get("namespace"),
            "name": metadata.get("name"),
            "uid": metadata.get("uid"),
            "priority": self.build["spec"].get("priority", 0) if self.build else None,
            "reason": self.reason,
            "eta": self.eta.isoformat() if self.eta else None,
        }


def live_places(entries: Iterable[tuple[str, Entry]], builds: Mapping[str, Object]) -> list[Place]:
    """The places of the operator's exact queue (uid and entry), joined with the builds that may be seen, by uid."""
    return [Place(entry.position, entry.reason, entry.eta, builds.get(uid)) for uid, entry in entries]


def reported_places(builds: Iterable[Object]) -> list[Place]:
    """The places that the builds' statuses tell, which may be some seconds old."""
    queues = [(build["status"]["queue"], build) for build in builds if (build.get("status") or {}).get("queue")]
    known = [(queue, build) for queue, build in queues if queue.get("position")]
    places = [Place(queue["position"], queue.get("reason", ""), None, build) for queue, build in known]
    return sorted(places, key=lambda place: place.position)


def queue_rows(places: Sequence[Place], now: datetime) -> list[list[str]]:
    """The headings and a row for each place; those that may not be seen and stand together share one."""
    rows = [list(HEADINGS)]
    for visible, run in groupby(places, key=lambda place: place.build is not None):
        group = list(run)
        rows += [_row(place, now) for place in group] if visible else [_hidden(group)]
    return rows


def _row(place: Place, now: datetime) -> list[str]:
    build = place.build or {}
    metadata = build["metadata"]
    age = human_duration((now - datetime.fromisoformat(metadata["creationTimestamp"])).total_seconds())
    priority = str(build["spec"].get("priority", 0))
    return [
        str(place.position), metadata["namespace"], metadata["name"], priority, place.reason,
        eta_text(place.eta, now), age,
    ]  # fmt: skip


def _hidden(group: Sequence[Place]) -> list[str]:
    first, last, count = group[0].position, group[-1].position, len(group)
    span = str(first) if count == 1 else f"{first}-{last}"
    return [span, "(another namespace)", f"{count} build{'s' * (count > 1)}", "", "", "", ""]
