"""One look at one build: gather Facts, decide, act; the status is written last.

Whatever was missed, doubled or interrupted, the next look finds the build as the cluster has it and goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from publishbuild.build_queue.places import Places
from publishbuild.cluster import api
from publishbuild.cluster.api import ApiError
from publishbuild.cluster.events import Events
from publishbuild.cluster.objects import BUILDS, JOBS, PODS, Cluster
from publishbuild.cluster.store import Record, Store
from publishbuild.cluster.supersede import superseded_by
from publishbuild.decide import actions as do
from publishbuild.decide.facts import BuildFacts, Callback, Facts, LaunchTrouble, QueueFacts
from publishbuild.decide.job_outcome import pods_missing
from publishbuild.decide.next_actions import next_actions
from publishbuild.models.status import PublishBuildStatus
from publishbuild.names import LABEL_UID, job_name
from publishbuild.observe.metrics import Metrics
from publishbuild.observe.outcomes import Outcomes
from publishbuild.runner.result import RunResult

# A launch changes the Facts, and a write may meet a newer build: a few looks settle both, a bell starts over.
_LOOKS = 5
LAUNCH_RETRY_SECONDS = 30.0
# The API server has read the Job and will not take it, now or later.
_FINAL = (api.INVALID, api.BAD_REQUEST, api.TOO_LARGE)
# It will not take it now: a quota, a policy or a missing service account, which somebody may mend.
_REFUSED = (api.FORBIDDEN, api.NOT_FOUND)


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
        outcomes: Outcomes,
        defaults: Defaults,
        progress: Progress,
        clock: Callable[[], datetime],
        new_token: Callable[[], str],
        wake_after: Callable[[str, float], None],
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._places = places
        self._events = events
        self._metrics = metrics
        self._outcomes = outcomes
        self._defaults = defaults
        self._progress = progress
        self._clock = clock
        self._new_token = new_token
        self._wake_after = wake_after
        self._troubles: dict[str, LaunchTrouble] = {}
        # Builds whose Job was asked for without an answer: it may exist, though no watch has shown it yet.
        self._unsure: set[str] = set()

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
                facts = await self._gather(uid, record)
                if not await self._act(facts, record, next_actions(facts)):
                    return
            self._wake_after(uid, 1.0)
        finally:
            self._metrics.reconcile.observe(time.perf_counter() - started)

    def _forget(self, uid: str) -> None:
        self._troubles.pop(uid, None)
        self._unsure.discard(uid)
        self._progress.forget(uid)

    async def _gather(self, uid: str, record: Record) -> Facts:
        build = BuildFacts.read(record.build)
        if not build.status.is_terminal:
            await self._verify(build)
        job, pods = self._store.job(uid), self._store.pods(uid)
        if all(pod.failed or pod.succeeded for pod in pods):
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
            trouble=self._troubles.get(uid),
            superseded_by=None if build.status.is_terminal else superseded_by(self._store, uid),
            callback=self._callback() if job is None else None,
            progress=self._progress.progress(uid),
        )

    def _callback(self) -> Callback | None:
        url = self._defaults.callback_url
        return Callback(url, self._new_token()) if url else None

    async def _verify(self, build: BuildFacts) -> None:
        """Before a verdict that cannot be taken back, what the store lacks is asked of the API server."""
        job = self._store.job(build.uid)
        if job is None and (build.status.job is not None or build.uid in self._unsure):
            found = await self._cluster.get_job(build.namespace, job_name(build.name, build.uid))
            self._unsure.discard(build.uid)
            if found is not None:
                self._store.apply(JOBS, found)
        elif job is not None and pods_missing(job, self._store.pods(build.uid)):
            for pod in await self._cluster.pods_of(build.namespace, build.uid):
                self._store.apply(PODS, pod)

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
                    await self._launch(facts, manifest)
                    return True
                case do.ReportStatus(status=status):
                    if not await self._report(build, record, status):
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

    async def _launch(self, facts: Facts, manifest: api.Object) -> None:
        """Create the Job. One of its name that belongs to this build is as good; a refusal becomes a Fact."""
        build = facts.build
        try:
            job: api.Object | None = await self._cluster.create_job(build.namespace, manifest)
        except ApiError as error:
            if error.status == api.CONFLICT:
                job = await self._cluster.get_job(build.namespace, job_name(build.name, build.uid))
            elif error.status in (*_FINAL, *_REFUSED):
                retry_at = facts.now + timedelta(seconds=LAUNCH_RETRY_SECONDS)
                self._troubles[build.uid] = LaunchTrouble(error.message, error.status in _FINAL, retry_at)
                return
            else:
                self._unsure.add(build.uid)
                raise
        if job is None:
            raise ApiError(0, "JobVanished", "the Job was there and is gone: looks again")
        if (job["metadata"].get("labels") or {}).get(LABEL_UID) != build.uid:
            message = f"a Job named {job['metadata']['name']} exists and is not this build's"
            self._troubles[build.uid] = LaunchTrouble(message, final=True, retry_at=facts.now)
            return
        self._troubles.pop(build.uid, None)
        self._store.apply(JOBS, job)

    async def _set_ttl(self, build: BuildFacts, name: str, seconds: int) -> None:
        try:
            self._store.apply(JOBS, await self._cluster.set_job_ttl(build.namespace, name, seconds))
        except ApiError as error:
            if error.status != api.NOT_FOUND:
                raise

    async def _report(self, build: BuildFacts, record: Record, status: PublishBuildStatus) -> bool:
        """Write the status; False where the build has changed or gone meanwhile, and was read anew."""
        try:
            written = await self._cluster.write_status(record.build, status.to_wire())
        except ApiError as error:
            if error.status not in (api.CONFLICT, api.NOT_FOUND):
                raise
            newer = await self._cluster.get_build(build.namespace, build.name)
            if newer is None or newer["metadata"]["uid"] != build.uid:
                self._store.apply(BUILDS, record.build, deleted=True)
            else:
                self._store.apply(BUILDS, newer)
            return False
        self._store.apply(BUILDS, written)
        self._outcomes.status_written(build.namespace, build.name, build.status, status)
        if status.is_terminal:
            self._forget(build.uid)
        return True
