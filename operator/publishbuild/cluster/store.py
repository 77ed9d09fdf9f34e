"""What the operator remembers of the cluster: builds, their Jobs and pods, by the build's uid.

Fed by watch events, by lists and by the answers to the operator's own writes, in any order and any number of times: an
object older than the one known is ignored, and one that was deleted does not come back. It is an index over the API
server and never the truth.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from publishbuild.cluster.activity import Activity
from publishbuild.cluster.live_jobs import LiveJobs
from publishbuild.cluster.objects import BUILDS, JOBS, PODS
from publishbuild.cluster.record import Record
from publishbuild.cluster.run_history import RunHistory
from publishbuild.cluster.set_aside import SetAside
from publishbuild.decide.facts import JobFacts, PodFacts, build_of_job, build_of_pod, same_but_for_version
from publishbuild.names import LABEL_UID

Object = dict[str, Any]
Bell = Callable[[str], None]


class Store:
    """The known objects; rings ``bell`` with the build's uid at each change."""

    def __init__(self, clock: Callable[[], datetime], bell: Bell, set_aside: SetAside | None = None) -> None:
        self._clock = clock
        self._bell = bell
        self._set_aside = set_aside or SetAside()
        self._builds: dict[str, Record] = {}
        self._jobs: dict[str, JobFacts] = {}
        self._live = LiveJobs()
        # Jobs are listed before builds: until the first list of those was taken in whole, no Job is an orphan.
        self._knows_builds = False
        self._slots: dict[str, set[str]] = {}
        self._orphan_pods: dict[str, dict[str, PodFacts]] = {}
        self._last_seen: datetime | None = None
        self.history = RunHistory()
        self.activity = Activity()
        # uid -> version of its deletion, until a list is newer than that: answers and lists on their way may be older.
        self._deleted: dict[str, dict[str, int]] = {BUILDS: {}, JOBS: {}, PODS: {}}

    def apply(self, resource: str, obj: Object, *, deleted: bool = False) -> None:
        """Take in one object of ``resource``, or its deletion."""
        take = {BUILDS: self._apply_build, JOBS: self._apply_job, PODS: self._apply_pod}[resource]
        uid, gone = obj["metadata"]["uid"], self._deleted[resource]
        if deleted:
            gone[uid] = max(gone.get(uid, 0), _version(obj))
        elif uid in gone:
            return
        take(obj, deleted)

    def replace(self, resource: str, objects: Iterable[Object], version: int) -> Iterator[None]:
        """Take in a whole list at ``version``, oldest first: what is known, not newer and not in it is gone.

        It stops after each object, so that a long list need not keep anything else waiting. One that cannot be taken
        in is set aside and stays as it was known.
        """
        self._deleted[resource] = {uid: at for uid, at in self._deleted[resource].items() if at > version}
        uids = set()
        for obj in objects:
            uids.add(obj["metadata"]["uid"])
            with self._set_aside.reading(resource, obj):
                self.apply(resource, obj)
            yield
        for gone in [known for known in self._known(resource) if known[0] not in uids and known[1] <= version]:
            self._deleted[resource][gone[0]] = version
            self._forget(resource, gone[0])
        if resource == BUILDS and not self._knows_builds:
            self._knows_builds = True
            for uid in self._jobs.keys() | self._orphan_pods.keys():
                self._count(uid)

    def record(self, uid: str) -> Record | None:
        """The build of that uid, or None where it is gone."""
        return self._builds.get(uid)

    def job(self, uid: str) -> JobFacts | None:
        """The Job of the build of that uid, or None where none is known."""
        return self._jobs.get(uid)

    def pods(self, uid: str) -> tuple[PodFacts, ...]:
        """The pods of the build of that uid."""
        record = self._builds.get(uid)
        return tuple((record.pods if record else self._orphan_pods.get(uid, {})).values())

    def same_slot(self, record: Record) -> list[Record]:
        """All builds with the same concurrency key in the same namespace, this one included; none without a key."""
        return [self._builds[uid] for uid in self._slots.get(record.slot or "", ())]

    def uids(self) -> list[str]:
        """All builds' uids."""
        return list(self._builds)

    def launched_namespaces(self) -> list[str]:
        """The namespaces of the builds that were launched, in the order of their last launch, the longest ago first."""
        last: dict[str, str] = {}
        for record in self._builds.values():
            namespace, started = record.namespace, record.build["status"].get("startTime", "")
            if started:
                last[namespace] = max(started, last.get(namespace, ""))
        return sorted(last, key=lambda namespace: last[namespace])

    @property
    def live_jobs(self) -> LiveJobs:
        """What has not ended: Jobs of builds, each of which takes a place, and orphans."""
        return self._live

    def ring_unended(self) -> None:
        """Ring every build that has not ended: a bell that was lost is made good."""
        for uid, record in self._builds.items():
            if not record.has_ended:
                self._bell(uid)

    def _apply_build(self, build: Object, deleted: bool) -> None:
        uid, version = build["metadata"]["uid"], _version(build)
        known = self._builds.get(uid)
        if deleted:
            self._forget(BUILDS, uid)
            return
        if known is not None and version <= known.version:
            return
        self.history.note(build)
        if known is None:
            record = self._builds[uid] = Record(build, self._now())
            self._note_new(record, build)
            self._adopt(uid, record)
            if record.slot:
                # A newer one may stop the older ones.
                for other in self._slots.setdefault(record.slot, set()):
                    self._bell(other)
                self._slots[record.slot].add(uid)
        else:
            was_open = not known.has_ended
            known.update(build)
            if was_open and known.has_ended:
                self.activity.closed(known.namespace, self._clock())
            self._drop_done_pods(uid, known)
        self._bell(uid)

    def _note_new(self, record: Record, build: Object) -> None:
        if not record.has_ended:
            self.activity.opened(record.namespace)
            return
        for at in (record.created, build["status"].get("completionTime")):
            with contextlib.suppress(TypeError, ValueError):  # somebody else wrote the status
                self.activity.seen(record.namespace, datetime.fromisoformat(at))

    def _adopt(self, uid: str, record: Record) -> None:
        """Take over the pods that were seen before their build; a Job from another namespace is none of its own."""
        orphans = self._orphan_pods.pop(uid, {})
        record.pods.update({pod_uid: pod for pod_uid, pod in orphans.items() if record.owns(pod)})
        job = self._jobs.get(uid)
        if job is not None and not record.owns(job):
            self._forget_job(uid)
        self._count(uid)

    def _count(self, uid: str) -> None:
        """Count anew what lives of the build of that uid."""
        job = self._jobs.get(uid)
        if self._knows_builds and uid not in self._builds:
            self._live.note_orphans(uid, job, self._orphan_pods.get(uid, {}).values())
        elif job is not None:
            self._live.note(job)
        else:
            self._live.discard(uid)

    def _is_ours(self, build_uid: str, child: Object) -> bool:
        """Whether a Job or pod is one of that build, before a word of it is read: anybody may give it our labels.

        Builds may be seen later than their Jobs and pods; those of a build that is not known yet are kept for it.
        """
        record = self._builds.get(build_uid)
        return bool(build_uid) and (record is None or record.namespace == child["metadata"]["namespace"])

    def _apply_job(self, obj: Object, deleted: bool) -> None:
        if not self._is_ours(build_of_job(obj["metadata"]), obj):
            self._disown_job(obj["metadata"])
            return
        job = JobFacts.read(obj)
        record = self._builds.get(job.build_uid)
        known = self._jobs.get(job.build_uid)
        if deleted and not (job.finished and record is not None and not record.has_ended):
            if known is not None and known.uid == job.uid:
                self._forget_job(job.build_uid)
            return
        # One that is deleted with its last word unheard is kept, as one that goes, until that word is on record.
        job = dataclasses.replace(job, deleting=True) if deleted else job
        if known is None or known.uid != job.uid or job.resource_version > known.resource_version:
            self._jobs[job.build_uid] = job
            self._count(job.build_uid)
            if known is None or not same_but_for_version(job, known):
                self._bell(job.build_uid)

    def _disown_job(self, metadata: Object) -> None:
        """A Job that was a build's and lost its owner is heard of no more, and must not hold a place for ever."""
        build_uid = (metadata.get("labels") or {}).get(LABEL_UID, "")
        known = self._jobs.get(build_uid)
        if known is not None and known.uid == metadata["uid"]:
            self._forget_job(build_uid)

    def _apply_pod(self, obj: Object, deleted: bool) -> None:
        if not self._is_ours(build_of_pod(obj["metadata"]), obj):
            return
        pod = PodFacts.read(obj)
        record = self._builds.get(pod.build_uid)
        pods = record.pods if record else self._orphan_pods.setdefault(pod.build_uid, {})
        known = pods.get(pod.uid)
        if known is None or pod.resource_version > known.resource_version:
            pods[pod.uid] = pod
            if record is None:
                self._count(pod.build_uid)
            if known is None or not same_but_for_version(pod, known):
                self._bell(pod.build_uid)
        if deleted:
            self._pod_deleted(pod, pods, record)

    def _pod_deleted(self, pod: PodFacts, pods: dict[str, PodFacts], record: Record | None) -> None:
        # A pod that is deleted has still said why it ended, and its Job's verdict may come later.
        if record is None or record.has_ended or pod.runs:
            pods.pop(pod.uid, None)
        if record is None:
            self._orphan_pod_gone(pod.build_uid)
        self._bell(pod.build_uid)

    def _orphan_pod_gone(self, uid: str) -> None:
        if not self._orphan_pods.get(uid):
            self._orphan_pods.pop(uid, None)
        self._count(uid)

    def _drop_done_pods(self, uid: str, record: Record) -> None:
        """What the pods said is on record, and their Job is gone: nobody will ask for them again."""
        if record.has_ended and uid not in self._jobs:
            record.pods.clear()

    def _known(self, resource: str) -> list[tuple[str, int]]:
        if resource == BUILDS:
            return [(uid, record.version) for uid, record in self._builds.items()]
        if resource == JOBS:
            return [(job.uid, job.resource_version) for job in self._jobs.values()]
        return [(pod.uid, pod.resource_version) for pods in self._all_pods() for pod in pods.values()]

    def _all_pods(self) -> list[dict[str, PodFacts]]:
        return [record.pods for record in self._builds.values()] + list(self._orphan_pods.values())

    def _forget(self, resource: str, uid: str) -> None:
        if resource == BUILDS:
            record = self._builds.pop(uid, None)
            if record is not None:
                if not record.has_ended:
                    self.activity.closed(record.namespace, self._clock())
                self._forget_slot(uid, record)
                running = {pod_uid: pod for pod_uid, pod in record.pods.items() if pod.runs}
                if running:
                    self._orphan_pods[uid] = running
                self._count(uid)
                self._bell(uid)
        elif resource == JOBS:
            for build_uid in [key for key, job in self._jobs.items() if job.uid == uid]:
                self._forget_job(build_uid)
        else:
            for pods in self._all_pods():
                pod = pods.pop(uid, None)
                if pod is not None:
                    if pod.build_uid in self._orphan_pods:
                        self._orphan_pod_gone(pod.build_uid)
                    self._bell(pod.build_uid)

    def _forget_slot(self, uid: str, record: Record) -> None:
        if record.slot:
            others = self._slots[record.slot]
            others.discard(uid)
            if not others:
                del self._slots[record.slot]

    def _forget_job(self, build_uid: str) -> None:
        del self._jobs[build_uid]
        self._count(build_uid)
        record = self._builds.get(build_uid)
        if record is not None:
            self._drop_done_pods(build_uid, record)
        self._bell(build_uid)

    def _now(self) -> datetime:
        """The clock, but never twice the same: builds of one second keep the order in which they were seen."""
        now = self._clock()
        if self._last_seen is not None and now <= self._last_seen:
            now = self._last_seen + timedelta(microseconds=1)
        self._last_seen = now
        return now


def _version(obj: Object) -> int:
    return int(obj["metadata"]["resourceVersion"])
