"""Where a build is and why, in a sentence, with what shows it and what to do: `publishbuild why`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from publishbuild.cli.reasons import table
from publishbuild.cli.reasons.pods import OTHER_TROUBLE
from publishbuild.cli.reasons.reason import DOCTOR, NOTHING, Advice, Reason, Step
from publishbuild.cli.reasons.waiting import LAUNCH_REFUSED, UNSEEN
from publishbuild.cli.views.evidence import Evidence, evidence
from publishbuild.cli.views.links import shown_link
from publishbuild.cli.views.listing import eta_text
from publishbuild.cli.views.sight import Sight
from publishbuild.models.status import Condition, Failure
from publishbuild.names import FailureReason, Phase, QueueReason

_FOLLOW = Step("Follow it:", "publishbuild watch {name} {where}")
_REFUSED = "the API server refused the Job"


@dataclass(frozen=True, slots=True)
class Explanation:
    """``cause`` is one sentence without its full stop; ``steps`` are in the order in which to try them."""

    cause: str
    evidence: tuple[Evidence, ...]
    steps: tuple[Advice, ...]


def explain(sight: Sight) -> Explanation:
    """The build as it stands at ``sight.now``."""
    cause, steps = _told(sight)
    if sight.is_stale:
        steps = (*steps, DOCTOR)
    values = sight.placeholders()
    advice = tuple(step if isinstance(step, Advice) else step.filled(values) for step in steps)
    return Explanation(f"{sight.name} {cause}", evidence(sight), advice)


Told = tuple[str, tuple[Step | Advice, ...]]


def _told(sight: Sight) -> Told:
    said = sight.succeeded
    if said is None:
        return f"waits: {UNSEEN.cause}", UNSEEN.steps
    if said.status != "Unknown":
        return _published(sight, said) if said.status == "True" else _ended(sight, said)
    by_phase = {Phase.RETRYING: _retries, Phase.RUNNING: _runs, Phase.CANCELLING: _stops}
    return by_phase.get(sight.status.phase or Phase.QUEUED, _waits)(sight, said)


def _waits(sight: Sight, said: Condition) -> Told:
    if said.message.startswith(_REFUSED):
        return f"waits: {LAUNCH_REFUSED.cause}", LAUNCH_REFUSED.steps
    shown = sight.status.queue and sight.status.queue.reason
    # The exact queue is newer than the status, which is not written at each change of a long line.
    reason = table.WAITS.get((sight.entry and sight.entry.reason) or shown or "", table.WAITS[QueueReason.WAITING])
    return f"waits: {reason.cause}{_place(sight)}", reason.steps


def _place(sight: Sight) -> str:
    if sight.entry is None:
        return ""
    eta = eta_text(sight.entry.eta, sight.now)
    return f"; it is number {sight.entry.position} in line" + (f" and should start {eta}" if eta else "")


def _stops(_: Sight, said: Condition) -> Told:
    return f"is being cancelled: {said.message}", (NOTHING, _FOLLOW)


def _runs(sight: Sight, said: Condition) -> Told:
    trouble = _pod_trouble(sight)
    if trouble is not None:
        return f"cannot start: {trouble.cause}", trouble.steps
    return f"runs: {said.message}", (NOTHING, _FOLLOW, Step("Its log:", "publishbuild logs {name} {where} -f"))


def _pod_trouble(sight: Sight) -> Reason | None:
    pod = sight.pod
    if pod is None or pod.phase != "Pending":
        return None
    if pod.waiting_reason:
        other = replace(OTHER_TROUBLE, cause=f"its pod waits with {pod.waiting_reason}")
        return table.POD_CANNOT_START.get(pod.waiting_reason, other)
    # Of what keeps a pod in ContainerCreating its Events alone speak.
    about_pod = [event for event in sight.events if (event.get("involvedObject") or {}).get("uid") == pod.uid]
    words = (table.POD_CANNOT_START.get(str(event.get("reason"))) for event in reversed(about_pod))
    return next(filter(None, words), None)


def _retries(sight: Sight, said: Condition) -> Told:
    last = sight.status.failed_attempts[-1] if sight.status.failed_attempts else None
    most, following = sight.most_attempts, len(sight.status.failed_attempts) + 1
    reason = table.ATTEMPT_FAILED.get((last and last.reason) or "")
    why = reason.cause if reason else said.message
    when = eta_text(sight.next_attempt, sight.now) if sight.next_attempt else ""
    soon = {"": "soon", "now": "any moment now"}.get(when, f"about {when}")
    of = f" of {most}" if most else ""
    cause = f"is tried again {soon} (attempt {following}{of}), since the last attempt failed: {why}"
    return cause, (NOTHING, Step("What the attempts have said:", "publishbuild logs {name} {where}"), _FOLLOW)


def _ended(sight: Sight, said: Condition) -> Told:
    """The runner's own reason says more than how Kubernetes ended the Job, where there is one."""
    failure = sight.status.failure
    ended = table.ENDED.get(said.reason, table.ENDED[FailureReason.JOB_FAILED])
    if said.reason == FailureReason.CANCELLED:
        return f"was cancelled: {said.message}", ended.steps
    own = table.ATTEMPT_FAILED.get(failure.reason) if failure else None
    if own is None:
        return f"failed: {ended.cause}{_details(failure, said)}", ended.steps
    attempts = len(sight.status.failed_attempts)
    every = said.reason == FailureReason.BACKOFF_LIMIT_EXCEEDED and attempts > 1
    return f"failed{f', at each of {attempts} attempts' if every else ''}: {own.cause}", own.steps


def _details(failure: Failure | None, said: Condition) -> str:
    """What the message adds to an ending whose cause is in it alone."""
    speaks = {FailureReason.INVALID_SPEC, FailureReason.POD_FAILURE_POLICY, FailureReason.BACKOFF_LIMIT_EXCEEDED}
    return f" ({failure.message})" if failure and said.reason in speaks else ""


def _published(sight: Sight, _: Condition) -> Told:
    builds = sight.status.builds
    versions = ", ".join(
        f"{build.platform} {build.app_version} ({build.app_build_version})" for build in builds if build.app_version
    )
    attempt = len(sight.status.failed_attempts) + 1
    apps = tuple(
        Advice(f"The {one.platform} app is at {shown_link(one.artifact_url)}") for one in builds if one.artifact_url
    )
    stores = tuple(
        Advice(f"The {one.platform} submission is at {shown_link(one.url)}")
        for one in sight.status.submissions
        if one.url
    )
    again = Step("Nothing. To build it once more:", "publishbuild retry {name} {where} --force")
    return f"succeeded at attempt {attempt}" + (f": {versions}" if versions else ""), (*apps, *stores, again)
