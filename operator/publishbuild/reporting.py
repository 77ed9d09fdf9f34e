"""Writes a build's status, and tells of each change once in log and metrics; Events are actions of their own."""

from __future__ import annotations

from dataclasses import dataclass

from publishbuild.cluster import api
from publishbuild.cluster.api import ApiError
from publishbuild.cluster.events import Events
from publishbuild.cluster.objects import BUILDS, Cluster
from publishbuild.cluster.record import Record
from publishbuild.cluster.store import Store
from publishbuild.decide.events import events_between
from publishbuild.decide.facts import BuildFacts
from publishbuild.models.status import PublishBuildStatus
from publishbuild.observe.outcomes import Outcomes


@dataclass(frozen=True, slots=True)
class _Unheard:
    """A write whose answer was lost: it may have been done."""

    before: PublishBuildStatus
    after: PublishBuildStatus


class Reporting:
    """The one writer of statuses. Methods raise `ApiError`."""

    def __init__(self, cluster: Cluster, store: Store, events: Events, outcomes: Outcomes) -> None:
        self._cluster = cluster
        self._store = store
        self._events = events
        self._outcomes = outcomes
        self._unheard: dict[str, _Unheard] = {}

    def forget(self, uid: str) -> None:
        """The build is gone."""
        self._unheard.pop(uid, None)

    def is_waiting_to_hear(self, uid: str) -> bool:
        """Whether a write's answer was lost, and the build has not shown yet whether it was done."""
        return uid in self._unheard

    def hear(self, build: BuildFacts, record: Record) -> None:
        """Tell of a write whose answer was lost, Events included, once the build shows that it was done."""
        unheard = self._unheard.get(build.uid)
        if unheard is None or build.status == unheard.before:
            return  # nothing to hear, or not heard of yet
        del self._unheard[build.uid]
        if build.status == unheard.after:
            self._outcomes.status_written(build.namespace, build.name, unheard.before, unheard.after)
            for event in events_between(unheard.before, unheard.after):
                self._events.post(record.build, event)

    async def write(self, build: BuildFacts, record: Record, status: PublishBuildStatus) -> bool:
        """Write the status; False where the build has changed or gone meanwhile, and was read anew."""
        try:
            written = await self._cluster.write_status(record.build, status.to_wire())
        except ApiError as error:
            if error.status not in (api.CONFLICT, api.NOT_FOUND):
                self._unheard[build.uid] = _Unheard(build.status, status)
                raise
            await self._read_anew(build, record)
            return False
        self._unheard.pop(build.uid, None)
        self._store.apply(BUILDS, written)
        self._outcomes.status_written(build.namespace, build.name, build.status, status)
        return True

    async def _read_anew(self, build: BuildFacts, record: Record) -> None:
        newer = await self._cluster.get_build(build.namespace, build.name)
        if newer is None or newer["metadata"]["uid"] != build.uid:
            self._store.apply(BUILDS, record.build, deleted=True)
        else:
            self._store.apply(BUILDS, newer)
