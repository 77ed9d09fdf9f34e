"""Attempts, counted and kept: a failed one is read from its pod before that goes, and never forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from publishbuild.decide.facts import PodFacts
from publishbuild.models.status import FailedAttempt, PublishBuildStatus
from publishbuild.names import DEPENDENCIES_CONTAINER, RUNNER_CONTAINER
from publishbuild.runner.result import RunResult

_MESSAGE_LENGTH = 1024
DISRUPTED = "Disrupted"
# More than any backoffLimit: evictions, which do not count against it, must not fill the status without end.
MOST_RECORDED = 50


def failed_attempts(before: tuple[FailedAttempt, ...], pods: Iterable[PodFacts]) -> tuple[FailedAttempt, ...]:
    """What was recorded, and after it each pod that has failed since, oldest first."""
    recorded = {attempt.pod for attempt in before}
    fresh = sorted((pod for pod in pods if pod.failed and pod.name not in recorded), key=age)
    room = MOST_RECORDED - len(before)
    return before + tuple(_attempt(number, pod) for number, pod in enumerate(fresh[:room], start=len(before) + 1))


def attempts_so_far(status: PublishBuildStatus, failed: tuple[FailedAttempt, ...], pods: Iterable[PodFacts]) -> int:
    """Failed attempts and the one that runs or has succeeded. A launched Job is in its first attempt at least."""
    unfailed = sum(1 for pod in pods if not pod.failed)
    return max(status.attempts or 0, len(failed) + min(unfailed, 1), 1)


def latest(pods: Iterable[PodFacts]) -> PodFacts | None:
    """The pod of the newest attempt."""
    return max(pods, key=age, default=None)


def age(pod: PodFacts) -> tuple[datetime, bool, str]:
    """Sorts pods from old to new. Of two pods of one second the failed one is older: the other replaced it."""
    return pod.created, not pod.failed, pod.name


def report_of(pod: PodFacts) -> RunResult | None:
    """The runner's report; None where there is none, or where another tool ended with a JSON object of its own.

    Install scripts can write into that of their container: what it says of commit and builds is not believed.
    """
    result = RunResult.from_message(pod.message)
    foreign = result == RunResult() and (pod.message or "").strip() != "{}"
    if result is None or foreign:
        return None
    if pod.container == DEPENDENCIES_CONTAINER:
        return RunResult(failure=result.failure, log_tail=result.log_tail)
    return result


def _attempt(number: int, pod: PodFacts) -> FailedAttempt:
    reason, message = failure_words(pod)
    return FailedAttempt(
        number=number,
        pod=pod.name,
        container=pod.container,
        exit_code=pod.exit_code,
        reason=reason,
        message=message,
        start_time=pod.started,
        finish_time=pod.finished,
    )


def failure_words(pod: PodFacts) -> tuple[str, str]:
    """Reason and message of a failed pod: the runner's own words, else Kubernetes's."""
    result = report_of(pod)
    if result and result.failure:
        return result.failure.reason, result.failure.message[:_MESSAGE_LENGTH]
    if pod.disrupted:
        return (
            DISRUPTED,
            "the pod was evicted or preempted; this attempt does not count against the backoffLimit",
        )
    if pod.exit_code is not None:
        tail = (pod.message or "").strip().splitlines()
        said = f": {tail[-1]}" if tail and result is None else ""
        who = "the runner" if pod.container == RUNNER_CONTAINER else f"the container {pod.container}"
        return pod.reason or "Error", f"{who} ended with exit code {pod.exit_code}{said}"[:_MESSAGE_LENGTH]
    return pod.reason or "PodFailed", (pod.message or "the pod failed before its container ended")[:_MESSAGE_LENGTH]
