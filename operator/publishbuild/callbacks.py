"""What pods and the operator tell each other while a build runs (decisions 0013 and 0023).

A pod says how far it is, and asks, when it is told to stop, whether its work is to be stopped for good or only the pod.
Both are a convenience: a build whose pods cannot reach the operator is built, retried and recorded all the same.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from publishbuild.cluster.store import Store
from publishbuild.cluster.supersede import superseded_by
from publishbuild.cluster.token_reviews import PodIdentity
from publishbuild.decide.attempts import latest
from publishbuild.decide.claims import Claims, claims_of
from publishbuild.decide.facts import BuildFacts, JobFacts, PodFacts
from publishbuild.decide.pod_words import redacted_words
from publishbuild.names import FailureReason
from publishbuild.observe.answer import NOT_LEADING, Answer
from publishbuild.runner.result import RunResult

_NOT_HEARD = Answer(403, "no running pod of a build of this uid has this token")
_NOT_SYNCED = Answer(503, "not all builds are known yet: try again")
# One status write for a build in so many seconds, however often its pods report.
WRITE_SECONDS = 5.0


class Tokens(Protocol):
    """`publishbuild.pod_tokens`."""

    async def identity(self, token: str, claims: Claims, peer: str) -> PodIdentity | Answer | None:
        """The pod whose token this is."""
        ...


class Callbacks:
    """The last report of each build that runs.

    ``synced`` says whether all builds are known, ``leads`` whether this process may write; ``ring_after`` has a build
    looked at in so many seconds.
    """

    def __init__(
        self,
        store: Store,
        tokens: Tokens,
        *,
        synced: Callable[[], bool],
        leads: Callable[[], bool],
        ring_after: Callable[[str, float], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._synced = synced
        self._leads = leads
        self._ring_after = ring_after
        self._clock = clock
        # Of each build, the pod that reported last and what it said.
        self._reports: dict[str, tuple[str, RunResult]] = {}
        self._due: dict[str, datetime] = {}

    def progress(self, uid: str) -> RunResult | None:
        """The last report of the build's attempt that runs; that of an earlier one counts no more."""
        pod, result = self._reports.get(uid, ("", None))
        newest = latest(self._store.pods(uid))
        return result if newest is not None and newest.uid == pod and newest.runs else None

    def forget(self, uid: str) -> None:
        """The attempt, or the build, has ended: what it reported on the way counts no more."""
        self._reports.pop(uid, None)
        self._due.pop(uid, None)

    async def speaker(self, uid: str, token: str, peer: str) -> PodFacts | Answer:
        """The pod that shows ``token``, if it is one of the build's and runs; otherwise why it is not heard.

        ``peer`` is the address that it speaks from.
        """
        if not self._synced():
            return _NOT_SYNCED
        running = {pod.uid: pod for pod in self._store.pods(uid) if pod.runs}
        for pod in running.values():
            if _fits(token, pod.callback_token):
                return pod
        claims = claims_of(token)
        if claims is None or claims.pod_uid not in running:
            return _NOT_HEARD
        found = await self._tokens.identity(token, claims, peer)
        if isinstance(found, Answer):
            return found
        # The pod may have ended meanwhile.
        now = next((pod for pod in self._store.pods(uid) if pod.runs and pod.uid == claims.pod_uid), None)
        is_its = now is not None and found == PodIdentity(now.namespace, now.uid)
        return now if now is not None and is_its else _NOT_HEARD

    def report(self, pod: PodFacts, body: str) -> Answer:
        """Take in what a pod that runs says: the same JSON that a termination message holds."""
        uid, job = pod.build_uid, self._store.job(pod.build_uid)
        if not self._leads():
            return NOT_LEADING
        newest = latest(self._store.pods(uid))
        if job is None or job.finished or newest is None or newest.uid != pod.uid or not newest.runs:
            return Answer(403, "this attempt has ended")
        result = RunResult.from_message(redacted_words(body))
        if result is None:
            return Answer(400, "not a report: see docs/runner.md")
        if (pod.uid, result) != self._reports.get(uid):
            self._reports[uid] = pod.uid, result
            self._ring_after(uid, self._pause(uid))
        return Answer(204, "")

    def _pause(self, uid: str) -> float:
        """Seconds until the report may be written; those that come until then are written with it."""
        now = self._clock()
        due = max(now, self._due.get(uid, now))
        self._due[uid] = due if due > now else now + timedelta(seconds=WRITE_SECONDS)
        return (due - now).total_seconds()

    def stop_reason(self, uid: str) -> Answer:
        """Why the build's work is to be stopped for good; an empty answer where a later attempt goes on with it.

        Only for a pod of that build: the answer may name another one.
        """
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
