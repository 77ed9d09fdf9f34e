"""The life of a build: one function that names its state and says what to do now.

`reconcile` calls it with fresh Facts whenever a bell rings, carries out what it returns and, after a launch or a
deletion, asks again. It must therefore be right for any Facts, seen any number of times.
"""

from __future__ import annotations

from publishbuild.decide import attempts, job_outcome
from publishbuild.decide.actions import (
    Action,
    DeleteJob,
    Enqueue,
    LaunchJob,
    ReleasePlace,
    ReportStatus,
    SetJobTtl,
    WakeAfter,
)
from publishbuild.decide.aging import held, is_overdue, waited_seconds
from publishbuild.decide.conditions import Verdict, conditions
from publishbuild.decide.events import events_between
from publishbuild.decide.facts import Facts, JobFacts
from publishbuild.decide.job_manifest import job_manifest
from publishbuild.decide.order import member
from publishbuild.decide.queue_reason import queue_reason
from publishbuild.decide.results import with_results
from publishbuild.models.spec import PublishBuildSpec
from publishbuild.models.status import JobStatus, PublishBuildStatus, QueueStatus
from publishbuild.names import FailureReason, Phase, QueueReason

Actions = tuple[Action, ...]

# A build that gets its place at once is never reported as Queued: one status write less for each.
QUIET_SECONDS = 0.3


def next_actions(facts: Facts) -> Actions:
    """What to do now, in order; the status, where it changes, comes last but for its events."""
    build = facts.build
    if build.deleting:
        return (ReleasePlace(),)
    if build.status.is_terminal:
        return (ReleasePlace(), *_observed(facts), *_aftercare(facts))
    if facts.job is not None:
        return (ReleasePlace(), *_with_job(facts, facts.job))
    if build.status.job is not None:
        return (ReleasePlace(), *_job_gone(facts))
    if build.spec is None:
        said = Verdict("False", FailureReason.INVALID_SPEC, build.spec_error or "the spec cannot be read")
        return (ReleasePlace(), *_end(facts, Phase.FAILED, said))
    return _without_job(facts, build.spec)


def _observed(facts: Facts) -> Actions:
    """The outcome never changes; that a later generation was seen is noted, else kstatus would wait for it for ever."""
    before, generation = facts.build.status, facts.build.generation
    if before.observed_generation in (None, generation):
        return ()
    seen = {"observed_generation": generation}
    noted = tuple(condition.model_copy(update=seen) for condition in before.conditions)
    return (ReportStatus(before.model_copy(update={**seen, "conditions": noted})),)


def _aftercare(facts: Facts) -> Actions:
    """The outcome is on record: now the Job may go when its time is over.

    A Job that still runs is one whose creation seemed to fail, before the build ended for lack of one: it is stopped.
    """
    job, spec = facts.job, facts.build.spec
    if job is None or job.deleting:
        return ()
    if not job.finished:
        return (DeleteJob(job.name, job.uid),)
    if spec is None or job.ttl_seconds == spec.ttl_seconds_after_finished:
        return ()
    return (SetJobTtl(job.name, spec.ttl_seconds_after_finished),)


def _with_job(facts: Facts, job: JobFacts) -> Actions:
    """The Job exists: it is the truth about the build."""
    recorded = _recorded(facts, job)
    said = job_outcome.verdict(job, recorded.failed_attempts, facts.pods, facts.progress)
    if facts.stopped_by and job.finished and job.deleting and not job.complete:
        # The deletion ended its pods, and that made the Job fail: it is cancelled all the same.
        return _cancelled(facts, facts.stopped_by)
    if facts.stopped_by and not job.finished:
        wanted: Actions = () if job.deleting else (DeleteJob(job.name, job.uid),)
        stopping = Verdict("Unknown", "Cancelling", f"{facts.stopped_by}: waits for the pods to end")
        # What the attempts said is recorded first: their pods go with the Job.
        return (*_report(facts, recorded, Phase.CANCELLING, stopping), *wanted)
    if job.deleting and not job.finished:
        # Somebody deleted it by hand; the verdict comes when it is gone, and its pods with it.
        going = Verdict("Unknown", "Running", "the Job is being deleted")
        return _report(facts, recorded, Phase.RUNNING, going)
    if said.succeeded == "Unknown":
        return _report(facts, recorded, job_outcome.phase_of(said), said)
    ended = recorded.model_copy(update={"completion_time": job.ended or facts.now})
    if said.succeeded == "False":
        ended = ended.model_copy(update={"failure": job_outcome.failure(said, ended, facts.pods)})
    return _report(facts, ended, job_outcome.phase_of(said), said)


def _recorded(facts: Facts, job: JobFacts) -> PublishBuildStatus:
    """The status with everything that the Job and its pods show now."""
    before = facts.build.status
    status = before.model_copy(
        update={
            "queue": QueueStatus(enqueued_time=facts.queue.entered),
            "job": JobStatus(name=job.name, uid=job.uid),
            "start_time": before.start_time or job.started or facts.now,
        }
    )
    return _with_attempts(facts, status, job_runs=not job.finished)


def _with_attempts(facts: Facts, status: PublishBuildStatus, *, job_runs: bool) -> PublishBuildStatus:
    failed = attempts.failed_attempts(status.failed_attempts, facts.pods)
    counted = {"failed_attempts": failed, "attempts": attempts.attempts_so_far(status, failed, facts.pods)}
    return with_results(status.model_copy(update=counted), facts.pods, facts.progress, job_runs=job_runs)


def _job_gone(facts: Facts) -> Actions:
    """The Job was recorded and is no more, though nothing but its owner may remove it before its end is on record."""
    stopped_by = facts.stopped_by
    if stopped_by is None and facts.build.status.phase is Phase.CANCELLING:
        # The newer build that stopped this one may itself be gone by now.
        stopped_by = "stopped while it ran"
    if stopped_by:
        return _cancelled(facts, stopped_by)
    said = Verdict("False", FailureReason.JOB_DELETED, "the Job was deleted before it ended; what it did is not known")
    return _end(facts, Phase.FAILED, said)


def _cancelled(facts: Facts, stopped_by: str) -> Actions:
    left = job_outcome.cancelled_words(facts.pods)
    said = Verdict("False", FailureReason.CANCELLED, f"{stopped_by}; {left}" if left else stopped_by)
    return _end(facts, Phase.CANCELLED, said)


def _without_job(facts: Facts, spec: PublishBuildSpec) -> Actions:
    if facts.stopped_by:
        said = Verdict("False", FailureReason.CANCELLED, f"{facts.stopped_by} before it was launched")
        return (ReleasePlace(), *_end(facts, Phase.CANCELLED, said))
    if facts.trouble and facts.trouble.final:
        said = Verdict("False", FailureReason.INVALID_SPEC, facts.trouble.message)
        return (ReleasePlace(), *_end(facts, Phase.FAILED, said))
    if spec.queue_timeout_seconds and not spec.suspend and waited_seconds(facts) >= spec.queue_timeout_seconds:
        said = Verdict("False", FailureReason.QUEUE_TIMEOUT, f"waited longer than {spec.queue_timeout_seconds} seconds")
        return (ReleasePlace(), *_end(facts, Phase.FAILED, said))
    refused = facts.trouble is not None and facts.now < facts.trouble.retry_at
    if facts.queue.claimed and not spec.suspend and not refused:
        return (LaunchJob(_manifest(facts, spec)),)
    return _waiting(facts, spec)


def _waiting(facts: Facts, spec: PublishBuildSpec) -> Actions:
    build = facts.build
    reason, message = queue_reason(facts, spec)
    wake = _wakes(facts, spec)
    if spec.suspend:
        place: Actions = (ReleasePlace(),)
    elif facts.trouble and facts.now < facts.trouble.retry_at:
        place = (ReleasePlace(), WakeAfter((facts.trouble.retry_at - facts.now).total_seconds()))
    else:
        place = (Enqueue(_member(facts, spec)),)
        if reason is not QueueReason.REDIS_UNAVAILABLE and (later := _shown_later(facts)) is not None:
            return (*place, *wake, *later)
    since, seconds = held(facts, spec)
    status = build.status.model_copy(
        update={
            "queue": QueueStatus(
                enqueued_time=facts.queue.entered,
                reason=reason,
                position=None if spec.suspend else _position(facts, reason),
                held_since=since,
                held_seconds=seconds or None,
            )
        }
    )
    phase = Phase.SUSPENDED if spec.suspend else Phase.QUEUED
    said = Verdict("Unknown", "Queued" if reason is QueueReason.WAITING else reason, message)
    return (*place, *wake, *_report(facts, status, phase, said))


def _position(facts: Facts, reason: QueueReason) -> int | None:
    """The position to show: the one shown before, unless it is due or the status is written for its reason anyway."""
    queue, shown = facts.queue, facts.build.status.queue
    stays = shown is not None and shown.position is not None and shown.reason == reason and not queue.may_move
    return shown.position if shown and (stays or queue.position is None) else queue.position


def _shown_later(facts: Facts) -> Actions | None:
    """What to do instead of showing that a build waits; None where it is to be shown now."""
    build, opening = facts.build, facts.queue.opening
    if build.status.phase is None:
        # The first look may come late, behind thousands of others; and the clock may have been set back meanwhile.
        waited = (facts.now - facts.queue.entered).total_seconds() if facts.queue.in_line else 0.0
        quiet = min(QUIET_SECONDS, QUIET_SECONDS - waited)
        return (WakeAfter(quiet if quiet > 0 else QUIET_SECONDS),) if quiet > 0 or opening else None
    # Launches wait for the opening's looks, and the places that are free meanwhile would change the reason of all.
    same = build.status.phase is Phase.QUEUED and build.status.observed_generation == build.generation
    return () if opening and same else None


def _wakes(facts: Facts, spec: PublishBuildSpec) -> Actions:
    if not spec.queue_timeout_seconds or spec.suspend:
        return ()
    return (WakeAfter(max(0.0, spec.queue_timeout_seconds - waited_seconds(facts))),)


def _end(facts: Facts, phase: Phase, said: Verdict) -> Actions:
    """A build that ends without a Job to read."""
    before = facts.build.status
    if before.job:
        # The pods may have said more than was on record when the Job went.
        before = _with_attempts(facts, before, job_runs=False)
    status = before.model_copy(update={"completion_time": facts.now})
    if before.queue:
        status = status.model_copy(update={"queue": QueueStatus(enqueued_time=before.queue.enqueued_time)})
    if phase is Phase.FAILED:
        status = status.model_copy(update={"failure": job_outcome.failure(said, before, facts.pods)})
    return _report(facts, status, phase, said)


def _report(facts: Facts, status: PublishBuildStatus, phase: Phase, said: Verdict) -> Actions:
    """The status write with its events, or nothing where nothing changes."""
    build = facts.build
    after = status.model_copy(
        update={
            "phase": phase,
            "observed_generation": build.generation,
            "conditions": conditions(build.status.conditions, said, generation=build.generation, now=facts.now),
        }
    )
    if after.to_wire() == build.status.to_wire():
        return ()
    return (ReportStatus(after), *events_between(build.status, after))


def _manifest(facts: Facts, spec: PublishBuildSpec) -> dict[str, object]:
    build = facts.build
    return job_manifest(
        namespace=build.namespace,
        name=build.name,
        uid=build.uid,
        spec=spec,
        default_image=facts.runner_image,
        callback_url=facts.callback_url,
    )


def _member(facts: Facts, spec: PublishBuildSpec) -> str:
    build = facts.build
    return member(
        priority=spec.priority,
        created=build.created,
        entered=facts.queue.entered,
        uid=build.uid,
        namespace=build.namespace,
        key=spec.concurrency_key,
        overdue=is_overdue(facts, spec),
    )
