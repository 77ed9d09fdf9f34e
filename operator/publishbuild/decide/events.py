"""Events follow from how the status changed, so each is posted once however often a build is looked at."""

from __future__ import annotations

from publishbuild.decide.actions import EmitEvent
from publishbuild.models.status import PublishBuildStatus
from publishbuild.names import EventReason, Phase

_ENDS = {
    Phase.SUCCEEDED: EventReason.SUCCEEDED,
    Phase.FAILED: EventReason.FAILED,
    Phase.CANCELLED: EventReason.CANCELLED,
}


def events_between(before: PublishBuildStatus, after: PublishBuildStatus) -> tuple[EmitEvent, ...]:
    """What happened between two statuses of one build, in order."""
    happened: list[EmitEvent] = []
    if after.queue and not before.queue:
        happened.append(EmitEvent(EventReason.QUEUED, "entered the queue"))
    if before.phase is Phase.SUSPENDED and after.phase is Phase.QUEUED:
        happened.append(EmitEvent(EventReason.REQUEUED, "resumed: waits for its turn again"))
    if after.job and not before.job:
        happened.append(EmitEvent(EventReason.STARTED, f"launched Job {after.job.name}"))
    for attempt in after.failed_attempts[len(before.failed_attempts) :]:
        said = f"attempt {attempt.number} in pod {attempt.pod} failed ({attempt.reason}): {attempt.message}"
        happened.append(EmitEvent(EventReason.ATTEMPT_FAILED, said, "Warning"))
    if after.phase in _ENDS and before.phase != after.phase:
        succeeded = after.condition("Succeeded")
        reason = _ENDS[after.phase]
        message = succeeded.message if succeeded else ""
        if succeeded and succeeded.reason != reason:
            message = f"{succeeded.reason}: {message}"
        happened.append(EmitEvent(reason, message, "Normal" if after.phase is Phase.SUCCEEDED else "Warning"))
    return tuple(happened)
