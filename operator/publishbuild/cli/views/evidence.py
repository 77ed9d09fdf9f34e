"""What shows that a build stands as is said of it: the condition, the queue, each attempt, the pod, EAS, the Events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from publishbuild.cli.views.durations import human_duration
from publishbuild.cli.views.links import shown_link
from publishbuild.cli.views.listing import eta_text
from publishbuild.cli.views.sight import Object, Sight
from publishbuild.models.status import FailedAttempt
from publishbuild.names import EventReason

MOST_EVENTS = 5
MOST_LOG_LINES = 8
# As eas-cli shows the code of a build or submission that ended badly.
_EAS_ERROR = re.compile(r"ended ERRORED, ([A-Z][A-Z0-9_]+):")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One line: ``what`` it was read from, and what that says."""

    what: str
    says: str


def evidence(sight: Sight) -> tuple[Evidence, ...]:
    """All there is, the most telling first; nothing is said twice."""
    lines = [*_condition(sight), *_queue(sight), *_attempts(sight)]
    lines += [*_failure(sight, lines), *_pod(sight), *_eas(sight)]
    lines += [*_events(sight, lines), *_log(sight)]
    return tuple(line for line in lines if line.says)


def _condition(sight: Sight) -> Iterator[Evidence]:
    said = sight.succeeded
    if said is not None:
        yield Evidence("condition", f"Succeeded={said.status}, {said.reason}" + _then(said.message))
    if sight.is_stale:
        yield Evidence("generation", "the operator has not taken in the last change of the spec yet")


def _queue(sight: Sight) -> Iterator[Evidence]:
    entry, shown = sight.entry, sight.status.queue
    if entry is not None:
        eta = eta_text(entry.eta, sight.now)
        yield Evidence("queue", f"number {entry.position} in line" + (f", should start {eta}" if eta else ""))
    elif shown is not None and shown.position is not None:
        yield Evidence("queue", f"number {shown.position} in line when the status was written")


def _attempts(sight: Sight) -> Iterator[Evidence]:
    for attempt in sight.status.failed_attempts:
        exit_code = f", exit code {attempt.exit_code}" if attempt.exit_code is not None else ""
        head = f"in pod {attempt.pod} failed {_ago(attempt.finish_time, sight.now)}{_took(attempt)}{exit_code}"
        yield Evidence(f"attempt {attempt.number}", f"{head}: {attempt.reason or 'no reason'}" + _then(attempt.message))
    if sight.next_attempt is not None:
        when = eta_text(sight.next_attempt, sight.now)
        yield Evidence("next attempt", "any moment now" if when == "now" else f"about {when}")


def _failure(sight: Sight, before: Sequence[Evidence]) -> Iterator[Evidence]:
    failure = sight.status.failure
    if failure is None:
        return
    code = _EAS_ERROR.search(failure.message)
    yield Evidence("EAS error", code[1] if code else "")
    if not _is_said(failure.message, before):
        yield Evidence("failure", failure.reason + _then(failure.message))


def _pod(sight: Sight) -> Iterator[Evidence]:
    pod = sight.pod
    if pod is None or pod.failed or pod.succeeded:
        return
    waits = f", {pod.waiting_reason}" + _then(pod.waiting_message) if pod.waiting_reason else ""
    yield Evidence("pod", f"{pod.name} is {pod.phase} since {_ago(pod.created, sight.now)}{waits}")


def _eas(sight: Sight) -> Iterator[Evidence]:
    source = sight.status.source
    yield Evidence("commit", (source and source.commit) or "")
    for build in sight.status.builds:
        version = f", {build.app_version} ({build.app_build_version})" if build.app_version else ""
        yield Evidence(f"{build.platform} build", f"{build.id} {build.status}{version}{_link(build.logs_url)}")
        yield Evidence(f"{build.platform} app", shown_link(build.artifact_url) if build.artifact_url else "")
    for one in sight.status.submissions:
        yield Evidence(f"{one.platform} submission", f"{one.id} {one.status}{_link(one.url)}")


def _events(sight: Sight, before: Sequence[Evidence]) -> Iterator[Evidence]:
    for event in sight.events[-MOST_EVENTS:]:
        reason, message = event.get("reason", ""), str(event.get("message", ""))
        if reason != EventReason.ATTEMPT_FAILED and not _is_said(message, before):
            yield Evidence("event", f"{_ago(_time(event), sight.now)} {reason}" + _then(message))


def _is_said(message: str, before: Sequence[Evidence]) -> bool:
    return any(_in_one_line(message) in _in_one_line(line.says) for line in before)


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def _log(sight: Sight) -> Iterator[Evidence]:
    tail = (sight.status.failure and sight.status.failure.log_tail) or ""
    for line in tail.rstrip("\n").split("\n")[-MOST_LOG_LINES:]:
        yield Evidence("log", line.rstrip())


def _time(event: Object) -> datetime | None:
    series = event.get("series") or {}
    seen = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return datetime.fromisoformat(seen) if seen else None


def _ago(moment: datetime | None, now: datetime) -> str:
    return f"{human_duration((now - moment).total_seconds())} ago" if moment else "some time ago"


def _took(attempt: FailedAttempt) -> str:
    if attempt.start_time is None or attempt.finish_time is None:
        return ""
    return f" after {human_duration((attempt.finish_time - attempt.start_time).total_seconds())}"


def _then(message: str | None) -> str:
    return f": {message}" if message else ""


def _link(url: str | None) -> str:
    return f", {shown_link(url)}" if url else ""
