"""Handlers for what becomes of a build: completed, failed, error. Each logs one line and counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from publishbuild.models.status import FailedAttempt, PublishBuildStatus
from publishbuild.names import ATTEMPT_REASONS, FailureReason, Phase
from publishbuild.observe.metrics import Metrics

log = structlog.get_logger(__name__)

_LABELS = ATTEMPT_REASONS | {*FailureReason, "Succeeded"}


class Outcomes:
    """Told of every status that was written; says what is new in it."""

    def __init__(self, metrics: Metrics, clock: Callable[[], datetime]) -> None:
        self._metrics = metrics
        self._clock = clock

    def status_written(self, namespace: str, name: str, before: PublishBuildStatus, after: PublishBuildStatus) -> None:
        """Log and count what changed between two written statuses of a build."""
        bound = log.bind(namespace=namespace, build=name)
        if after.job and not before.job:
            self._launched(bound, after)
        for attempt in after.failed_attempts[len(before.failed_attempts) :]:
            self.on_attempt_failed(bound, attempt)
        if after.is_terminal and not before.is_terminal:
            self._ended(bound, namespace, after)

    def on_completed(self, bound: structlog.stdlib.BoundLogger, status: PublishBuildStatus) -> None:
        """The build was published."""
        bound.info("build completed", attempts=status.attempts, commit=status.source and status.source.commit)

    def on_failed(self, bound: structlog.stdlib.BoundLogger, status: PublishBuildStatus) -> None:
        """The build ended without being published."""
        failure = status.failure
        bound.warning(
            "build cancelled" if status.phase is Phase.CANCELLED else "build failed",
            attempts=status.attempts,
            reason=failure.reason if failure else None,
            message=failure.message if failure else None,
        )

    def on_attempt_failed(self, bound: structlog.stdlib.BoundLogger, attempt: FailedAttempt) -> None:
        """One attempt failed; Kubernetes may retry."""
        bound.warning("attempt failed", number=attempt.number, pod=attempt.pod, reason=attempt.reason)
        self._metrics.attempts_failed.labels(_label(attempt.reason)).inc()

    def on_error(self, uid: str, error: Exception, retry_seconds: float) -> None:
        """A look at a build failed: an error of the operator or of what it talks to, never of the build."""
        said = f"{type(error).__name__}: {error}"
        log.error(
            "error while reconciling, will be repeated",
            uid=uid,
            error=said,
            retry_seconds=round(retry_seconds, 2),
        )
        self._metrics.reconcile_errors.inc()

    def _launched(self, bound: structlog.stdlib.BoundLogger, status: PublishBuildStatus) -> None:
        bound.info("build launched", job=status.job.name if status.job else None)
        if status.queue and status.queue.enqueued_time:
            # Not the Job's startTime, which has whole seconds only.
            waited = (self._clock() - status.queue.enqueued_time).total_seconds()
            self._metrics.wait.observe(max(0.0, waited))

    def _ended(self, bound: structlog.stdlib.BoundLogger, namespace: str, status: PublishBuildStatus) -> None:
        succeeded = status.condition("Succeeded")
        reason = _label(succeeded.reason if succeeded else None)
        self._metrics.finished.labels(namespace, str(status.phase), reason).inc()
        if status.start_time and status.completion_time:
            self._metrics.run.observe(max(0.0, (status.completion_time - status.start_time).total_seconds()))
        (self.on_completed if status.phase is Phase.SUCCEEDED else self.on_failed)(bound, status)


def _label(reason: str | None) -> str:
    """The reason as a label. A tool makes up what it likes: a metric neither grows with that nor forgets the known."""
    return reason if reason is not None and reason in _LABELS else "Other"
