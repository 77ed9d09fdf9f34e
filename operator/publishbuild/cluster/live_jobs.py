"""What has not ended, counted as it comes and goes: who asks at each look need not go through all of it.

The Job of a build takes a place. Whoever may create Jobs may create one with the operator's labels and the uid of no
build, so what no build owns takes no place from anybody: it counts in its own namespace alone, as an orphan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from publishbuild.decide.facts import JobFacts, Orphan, PodFacts


class LiveJobs:
    """An index over Jobs and pods in the store, by the uid of their build, and never a count beside it."""

    def __init__(self) -> None:
        self._jobs: dict[str, JobFacts] = {}
        self._orphans: dict[str, Orphan] = {}
        self.by_namespace: Counter[str] = Counter()
        """How many Jobs of builds live in each namespace."""
        self.orphans_by_namespace: Counter[str] = Counter()
        """How many builds that are not known still have a live Job, or a pod that has not ended."""
        self.by_slot: Counter[str] = Counter()
        """How many live Jobs, orphans too, there are with each ``namespace:key`` of a concurrency key."""

    def __iter__(self) -> Iterator[JobFacts]:
        """The live Jobs of builds."""
        return iter(self._jobs.values())

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def orphans(self) -> Iterable[Orphan]:
        """What no build owns."""
        return self._orphans.values()

    def note(self, job: JobFacts) -> None:
        """Take in the Job of a build as it is now."""
        self.discard(job.build_uid)
        if job.finished:
            return
        self._jobs[job.build_uid] = job
        self.by_namespace[job.namespace] += 1
        if job.slot:
            self.by_slot[job.slot] += 1

    def note_orphans(self, build_uid: str, job: JobFacts | None, pods: Iterable[PodFacts]) -> None:
        """Take in what is there of a build that is not known: one orphan, until its Job and its pods have ended."""
        self.discard(build_uid)
        pod = next((pod for pod in pods if pod.runs), None)
        if job is not None and not job.finished:
            orphan = Orphan(job.namespace, job.slot, job.started, job.deleting)
        elif pod is not None:
            orphan = Orphan(pod.namespace, None, pod.started)
        else:
            return
        self._orphans[build_uid] = orphan
        self.orphans_by_namespace[orphan.namespace] += 1
        if orphan.slot:
            self.by_slot[orphan.slot] += 1

    def discard(self, build_uid: str) -> None:
        """Nothing is there of that build."""
        job, orphan = self._jobs.pop(build_uid, None), self._orphans.pop(build_uid, None)
        if job is not None:
            _subtract(self.by_namespace, job.namespace)
        if orphan is not None:
            _subtract(self.orphans_by_namespace, orphan.namespace)
        held = job or orphan
        if held is not None and held.slot:
            _subtract(self.by_slot, held.slot)


def _subtract(counts: Counter[str], key: str) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
