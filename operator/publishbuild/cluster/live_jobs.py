"""The Jobs that have not ended, counted as they come and go: who asks at each look need not go through all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from publishbuild.decide.facts import JobFacts


class LiveJobs:
    """An index over the Jobs in the store, by the uid of their build, and never a count beside it."""

    def __init__(self) -> None:
        self._jobs: dict[str, JobFacts] = {}
        self.by_namespace: Counter[str] = Counter()
        """How many there are in each namespace."""
        self.by_slot: Counter[str] = Counter()
        """How many there are with each ``namespace:key`` of a concurrency key."""

    def __iter__(self) -> Iterator[JobFacts]:
        return iter(self._jobs.values())

    def __len__(self) -> int:
        return len(self._jobs)

    def note(self, job: JobFacts) -> None:
        """Take in a Job as it is now."""
        self.discard(job.build_uid)
        if job.finished:
            return
        self._jobs[job.build_uid] = job
        self.by_namespace[job.namespace] += 1
        if job.slot:
            self.by_slot[job.slot] += 1

    def discard(self, build_uid: str) -> None:
        """The Job is gone, or was never there."""
        job = self._jobs.pop(build_uid, None)
        if job is None:
            return
        _subtract(self.by_namespace, job.namespace)
        if job.slot:
            _subtract(self.by_slot, job.slot)


def _subtract(counts: Counter[str], key: str) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
