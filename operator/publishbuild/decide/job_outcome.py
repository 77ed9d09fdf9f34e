"""What a Job and its pods say of the build: its verdict and why it failed; `results` tells what they made."""

from __future__ import annotations

from publishbuild.decide import attempts
from publishbuild.decide.conditions import Verdict
from publishbuild.decide.facts import JobFacts, PodFacts
from publishbuild.models.status import LOG_TAIL_BYTES, FailedAttempt, Failure, PublishBuildStatus
from publishbuild.names import DEPENDENCIES_CONTAINER, EXIT_GIVE_UP, SOURCE_CONTAINER, FailureReason, Phase
from publishbuild.runner.result import RunResult

_STAGES = {
    SOURCE_CONTAINER: "the source is fetched",
    DEPENDENCIES_CONTAINER: "the app's dependencies are installed",
}

# What the last pod says is then only how it was stopped.
_FROM_OUTSIDE = (FailureReason.DEADLINE_EXCEEDED, FailureReason.JOB_DELETED)


def pods_missing(job: JobFacts, pods: tuple[PodFacts, ...]) -> bool:
    """Whether the Job has ended but not all its pods are seen as ended yet: a watch may lag behind the other.

    The termination messages that the status is made of are on those pods, so the gatherer then reads them anew.
    """
    ended = sum(1 for pod in pods if pod.failed or pod.succeeded)
    return job.finished and ended < job.succeeded_pods + job.failed_pods


def verdict(
    job: JobFacts, failed: tuple[FailedAttempt, ...], pods: tuple[PodFacts, ...], progress: RunResult | None = None
) -> Verdict:
    """Where the build stands while its Job exists; ``progress`` is what the attempt that runs has reported."""
    if job.complete:
        return Verdict("True", "Succeeded", f"published at attempt {len(failed) + 1}")
    if job.failed_reason is not None:
        return Verdict("False", job.failed_reason, _why_failed(job, failed))
    newest = attempts.latest(pods)
    if newest and newest.waiting_reason:
        said = f": {newest.waiting_message}" if newest.waiting_message else ""
        return Verdict("Unknown", "Running", f"the pod cannot start, {newest.waiting_reason}{said}")
    if failed and (newest is None or newest.failed):
        last = failed[-1]
        said = f"attempt {last.number} failed ({last.reason}): {last.message}"
        # The Job controller does not retry this one; its own word comes in a moment.
        retried = last.exit_code != EXIT_GIVE_UP
        return Verdict("Unknown", "Retrying" if retried else "Running", said)
    doing = _doing(newest, progress) if newest and newest.runs else ""
    return Verdict("Unknown", "Running", f"attempt {len(failed) + 1} runs{doing}")


def _doing(newest: PodFacts, progress: RunResult | None) -> str:
    """What the attempt is about; the earlier stages report nothing on the way."""
    if newest.stage_runs:
        return f": {_STAGES[newest.container]}"
    return f": {progress.message}" if progress and progress.message else ""


def phase_of(said: Verdict) -> Phase:
    """The phase that people read for a verdict on a Job."""
    if said.succeeded == "Unknown":
        return Phase.RETRYING if said.reason == "Retrying" else Phase.RUNNING
    return Phase.SUCCEEDED if said.succeeded == "True" else Phase.FAILED


def cancelled_words(pods: tuple[PodFacts, ...]) -> str:
    """What the last attempt did to its remote work when it was stopped; "" where it is silent."""
    pod = attempts.latest(pods)
    result = attempts.report_of(pod) if pod else None
    said = result.failure if result else None
    return said.message if said and said.reason == FailureReason.CANCELLED else ""


def failure(said: Verdict, status: PublishBuildStatus, pods: tuple[PodFacts, ...]) -> Failure:
    """Why the build failed for good: the last attempt's own words, unless it was ended from outside.

    They are read from the pod of that attempt, else from the record of it.
    """
    pod = attempts.latest(pod for pod in pods if pod.failed)
    if pod is None:
        last = status.failed_attempts[-1] if status.failed_attempts else None
        words = None if said.reason in _FROM_OUTSIDE or last is None else last
        return Failure(
            reason=(words and words.reason) or said.reason,
            message=(words and words.message) or said.message,
            exit_code=last.exit_code if last else None,
            pod=last.pod if last else None,
            container=last.container if last else None,
        )
    reason, message = attempts.failure_words(pod)
    if said.reason in _FROM_OUTSIDE:
        reason, message = said.reason, said.message
    return Failure(
        reason=reason,
        message=message,
        exit_code=pod.exit_code,
        pod=pod.name,
        container=pod.container,
        log_tail=_log_tail(pod),
    )


def _log_tail(pod: PodFacts) -> str | None:
    result = attempts.report_of(pod)
    tail = result.log_tail if result else pod.message
    if not tail:
        return None
    return tail.encode()[-LOG_TAIL_BYTES:].decode(errors="ignore")


def _why_failed(job: JobFacts, failed: tuple[FailedAttempt, ...]) -> str:
    said = job.failed_message or "the Job failed"
    if not failed:
        return said
    last = failed[-1]
    why = f"attempt {last.number} failed ({last.reason}): {last.message}"
    # The last attempt then only shows the kill that followed.
    return f"{said}; {why}" if job.failed_reason == FailureReason.DEADLINE_EXCEEDED else why
