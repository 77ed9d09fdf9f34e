"""What pods and the operator tell each other while a build runs (decision 0013).

A pod says how far it is, and asks, when it is told to stop, whether its work is to be stopped for good or only the pod.
Both are a convenience: a build whose pods cannot reach the operator is built, retried and recorded all the same.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from publishbuild.cluster.store import Store
from publishbuild.cluster.supersede import superseded_by
from publishbuild.decide.facts import BuildFacts, JobFacts
from publishbuild.decide.pod_words import redacted_words
from publishbuild.names import FailureReason
from publishbuild.observe.answer import NOT_LEADING, Answer
from publishbuild.runner.result import RunResult

# One status write for a build in so many seconds, however often its pods report.
WRITE_SECONDS = 5.0


class Callbacks:
    """The last report of each build that runs.

    ``synced`` says whether all builds are known, ``leads`` whether this process may write; ``ring_after`` has a build
    looked at in so many seconds.
    """

    def __init__(
        self,
        store: Store,
        *,
        synced: Callable[[], bool],
        leads: Callable[[], bool],
        ring_after: Callable[[str, float], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._synced = synced
        self._leads = leads
        self._ring_after = ring_after
        self._clock = clock
        self._reports: dict[str, RunResult] = {}
        self._due: dict[str, datetime] = {}

    def progress(self, uid: str) -> RunResult | None:
        """The last report of the build's attempt that runs."""
        return self._reports.get(uid)

    def forget(self, uid: str) -> None:
        """The attempt, or the build, has ended: what it reported on the way counts no more."""
        self._reports.pop(uid, None)
        self._due.pop(uid, None)

    def refusal(self, uid: str, token: str) -> Answer | None:
        """Why who shows ``token`` is not heard; None where it is that of the build's Job, which runs."""
        job = self._store.job(uid)
        if not self._leads():
            return NOT_LEADING
        if job is None or job.finished or not _fits(token, job.callback_token):
            return Answer(403, "no running build has this uid and token")
        return None

    def report(self, uid: str, body: str) -> Answer:
        """Take in a report of a running attempt: the same JSON that a termination message holds."""
        result = RunResult.from_message(redacted_words(body))
        if result is None:
            return Answer(400, "not a report: see docs/runner.md")
        if result != self._reports.get(uid):
            self._reports[uid] = result
            self._ring_after(uid, self._pause(uid))
        return Answer(204, "")

    def _pause(self, uid: str) -> float:
        """Seconds until the report may be written; those that come until then are written with it."""
        now = self._clock()
        due = max(now, self._due.get(uid, now))
        self._due[uid] = due if due > now else now + timedelta(seconds=WRITE_SECONDS)
        return (due - now).total_seconds()

    def stop_reason(self, uid: str) -> Answer:
        """Why the build's work is to be stopped for good; an empty answer where a later attempt goes on with it."""
        if not self._synced():
            return Answer(503, "not all builds are known yet: try again")
        record, job = self._store.record(uid), self._store.job(uid)
        if record is None or "deletionTimestamp" in record.build["metadata"]:
            return Answer(200, "the build was deleted")
        build = BuildFacts.read(record.build)
        if build.spec is not None and build.spec.cancel:
            return Answer(200, "stopped by spec.cancel")
        newer = superseded_by(self._store, uid)
        if newer:
            return Answer(200, f"stopped by the newer build {newer}")
        if job is None or job.deleting:
            return Answer(200, "the Job was deleted")
        late = "runTimeoutSeconds have passed" if self._is_late(build, job) else ""
        return Answer(200, late)

    def _is_late(self, build: BuildFacts, job: JobFacts) -> bool:
        if job.failed_reason == FailureReason.DEADLINE_EXCEEDED:
            return True
        # The pod is told to stop before the Job says why.
        limit = timedelta(seconds=build.spec.run_timeout_seconds) if build.spec else None
        return limit is not None and job.started is not None and self._clock() >= job.started + limit


def _fits(shown: str, token: str) -> bool:
    return bool(token) and secrets.compare_digest(shown.encode(), token.encode())
