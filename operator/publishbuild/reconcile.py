"""One look at one build: gather Facts, decide, act; the status is written last.

Whatever was missed, doubled or interrupted, the next look finds the build as the cluster has it and goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from publishbuild.build_queue.places import Places
from publishbuild.cluster import api
from publishbuild.cluster.api import ApiError
from publishbuild.cluster.events import Events
from publishbuild.cluster.objects import JOBS, Cluster
from publishbuild.cluster.record import Record
from publishbuild.cluster.store import Store
from publishbuild.cluster.supersede import superseded_by
from publishbuild.decide import actions as do
from publishbuild.decide.facts import BuildFacts, Facts, QueueFacts
from publishbuild.decide.next_actions import next_actions
from publishbuild.launching import Launching
from publishbuild.observe.metrics import Metrics
from publishbuild.reporting import Reporting
from publishbuild.runner.result import RunResult

# A launch changes the Facts, and a write may meet a newer build: a few looks settle both, a bell starts over.
_LOOKS = 5


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a build gets that its spec does not say; ``callback_url`` "" keeps pods from reaching the operator."""

    runner_image: str
    aging_seconds: int = 0
    callback_url: str = ""


class Progress(Protocol):
    """What the pods that run have reported: `publishbuild.callbacks`."""

    def progress(self, uid: str) -> RunResult | None:
        """The last report of the build's attempt that runs."""
        ...

    def forget(self, uid: str) -> None:
        """The attempt has ended."""
        ...


class Reconciler:
    """The one reconcile; call it with a build's uid as often as you like, but one uid at a time (see `Bells`)."""

    def __init__(
        self,
        *,
        cluster: Cluster,
        store: Store,
        places: Places,
        events: Events,
        metrics: Metrics,
        launching: Launching,
        reporting: Reporting,
        defaults: Defaults,
        progress: Progress,
        clock: Callable[[], datetime],
        wake_after: Callable[[str, float], None],
        rest: Callable[[str], None],
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._places = places
        self._events = events
        self._metrics = metrics
        self._launching = launching
        self._reporting = reporting
        self._defaults = defaults
        self._progress = progress
        self._clock = clock
        self._wake_after = wake_after
        self._rest = rest

    async def __call__(self, uid: str) -> None:
        """Look at the build of that uid until nothing is left to do now.

        Raises:
            ApiError: the API server did not do its part; look again later.
        """
        started = time.perf_counter()
        try:
            for _ in range(_LOOKS):
                record = self._store.record(uid)
                if record is None:
                    self._places.release(uid)
                    self._forget(uid)
                    return
                if self._is_over(uid, record):
                    self._places.release(uid)
                    self._forget(uid)
                    return
                facts = await self._gather(uid, record)
                if not await self._act(facts, record, next_actions(facts)):
                    return
            self._wake_after(uid, 1.0)
        finally:
            self._metrics.reconcile.observe(time.perf_counter() - started)

    def _is_over(self, uid: str, record: Record) -> bool:
        """Whether nothing is left to decide: so it is for nearly all of thousands of builds after a start."""
        return record.is_settled and self._store.job(uid) is None and not self._reporting.is_waiting_to_hear(uid)

    def _forget(self, uid: str) -> None:
        self._launching.forget(uid)
        self._reporting.forget(uid)
        self._progress.forget(uid)
        self._rest(uid)

    async def _gather(self, uid: str, record: Record) -> Facts:
        build = BuildFacts.read(record.build)
        self._reporting.hear(build, record)
        if build.status.is_terminal:
            self._launching.forget(uid)
            self._rest(uid)
        else:
            await self._launching.verify(build)
        job, pods = self._store.job(uid), self._store.pods(uid)
        if not any(pod.runs for pod in pods):
            # Nothing runs: what an attempt said on its way counts no more.
            self._progress.forget(uid)
        return Facts(
            now=self._clock(),
            build=build,
            queue=self._queue_facts(build, record),
            runner_image=self._defaults.runner_image,
            aging_seconds=self._defaults.aging_seconds,
            job=job,
            pods=pods,
            trouble=self._launching.trouble(uid),
            superseded_by=None if build.status.is_terminal else superseded_by(self._store, uid),
            callback_url=self._defaults.callback_url,
            progress=self._progress.progress(uid),
        )

    def _queue_facts(self, build: BuildFacts, record: Record) -> QueueFacts:
        places, recorded = self._places, build.status.queue
        entered = (recorded.enqueued_time if recorded else None) or record.first_seen
        if build.status.is_terminal or self._store.job(build.uid) is not None:
            return QueueFacts(entered=entered)
        return places.facts(build.uid, namespace=build.namespace, slot=record.slot, entered=entered)

    async def _act(self, facts: Facts, record: Record, actions: Iterable[do.Action]) -> bool:
        """Carry the actions out in order; True where another look is due at once."""
        build = facts.build
        for action in actions:
            match action:
                case do.Enqueue(member=member):
                    self._places.enqueue(build.uid, member)
                case do.ReleasePlace():
                    self._places.release(build.uid)
                case do.WakeAfter(seconds=seconds):
                    self._wake_after(build.uid, seconds)
                case do.LaunchJob(manifest=manifest):
                    return await self._launching.launch(facts, manifest)
                case do.ReportStatus(status=status):
                    if not await self._reporting.write(build, record, status):
                        return True
                case do.EmitEvent():
                    self._events.post(record.build, action)
                case do.DeleteJob() | do.SetJobTtl():
                    await self._change_job(build, action)
        return False

    async def _change_job(self, build: BuildFacts, action: do.DeleteJob | do.SetJobTtl) -> None:
        match action:
            case do.DeleteJob(name=name, uid=uid):
                await self._cluster.delete_job(build.namespace, name, uid)
            case do.SetJobTtl(name=name, seconds=seconds):
                await self._set_ttl(build, name, seconds)

    async def _set_ttl(self, build: BuildFacts, name: str, seconds: int) -> None:
        try:
            self._store.apply(JOBS, await self._cluster.set_job_ttl(build.namespace, name, seconds))
        except ApiError as error:
            if error.status != api.NOT_FOUND:
                raise
