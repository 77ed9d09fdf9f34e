"""``status`` of a PublishBuild: written by the operator alone, through the status subresource."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from publishbuild.models.base import KubeModel, MicroTime, Time
from publishbuild.names import Phase

LOG_TAIL_BYTES = 2048
NEVER_OBSERVED = -1
LIST_MAP_BY_TYPE = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}


class Condition(KubeModel):
    """One aspect of the build's state, as in `metav1.Condition`."""

    type: Annotated[str, Field(max_length=316)]
    """Succeeded, Ready, Reconciling or Stalled."""
    status: Literal["True", "False", "Unknown"]
    """True, False or Unknown."""
    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    """A word for programs."""
    message: Annotated[str, Field(max_length=32768)] = ""
    """A sentence for people."""
    last_transition_time: Time
    """When status changed last; reason and message do not move it."""
    observed_generation: int | None = None
    """metadata.generation that this condition speaks of."""


class QueueStatus(KubeModel):
    """The build's place in the queue while it waits."""

    position: int | None = None
    """1 is next. Refreshed now and then; the exact order is on the operator's /v1/queue."""
    enqueued_time: MicroTime | None = None
    """When the build entered the queue."""
    reason: str | None = None
    """Why it waits."""
    held_since: Time | None = None
    """Since when it is suspended or paused."""
    held_seconds: int | None = None
    """How long it was suspended or paused before. Time held does not make a build overdue."""


class JobStatus(KubeModel):
    """The one Job of this build."""

    name: str
    """Name of the Job."""
    uid: str
    """Uid of the Job."""


class FailedAttempt(KubeModel):
    """One failed attempt, read from its pod before that goes."""

    number: int
    """1 is the first attempt."""
    pod: str
    """Name of the pod."""
    container: str | None = None
    """Container that failed: runner, or an earlier stage of the Expo runner."""
    exit_code: int | None = None
    """Its exit code."""
    reason: str | None = None
    """A word for programs."""
    message: str | None = None
    """A sentence for people."""
    start_time: Time | None = None
    """When the container started."""
    finish_time: Time | None = None
    """When it ended."""


class SourceStatus(KubeModel):
    """What spec.source resolved to."""

    commit: str | None = None
    """The commit's full SHA."""


class BuildStatus(KubeModel):
    """One EAS build."""

    platform: str
    """ios or android."""
    id: str
    """EAS's id of the build."""
    status: str
    """EAS's own status, for example FINISHED."""
    logs_url: str | None = Field(default=None, alias="logsURL")
    """Page of the build with its logs."""
    artifact_url: str | None = Field(default=None, alias="artifactURL")
    """The built app."""
    app_version: str | None = None
    """Version of the app."""
    app_build_version: str | None = None
    """Build number or version code."""


class SubmissionStatus(KubeModel):
    """One EAS submission to a store."""

    platform: str
    """ios or android."""
    id: str
    """EAS's id of the submission."""
    status: str
    """EAS's own status, for example FINISHED."""
    url: str | None = None
    """Page of the submission."""


class Failure(KubeModel):
    """Why the build failed, from its last attempt."""

    reason: str
    """A word for programs."""
    message: str
    """A sentence for people."""
    exit_code: int | None = None
    """Exit code of the container."""
    pod: str | None = None
    """Pod of the last attempt."""
    container: str | None = None
    """Container of the last attempt that failed: runner, or an earlier stage of the Expo runner."""
    log_tail: str | None = None
    """The last lines of the log, redacted, at most 2 KiB."""


ProvisionalField = Literal["source", "builds", "submissions"]


class Provisional(KubeModel):
    """What the attempt that runs has reported, and no attempt that ended has said."""

    pod: str
    """Name of the pod that reports."""
    fields: tuple[ProvisionalField, ...]
    """The fields of the status that go again with this pod, unless its last word says the same."""


class PublishBuildStatus(KubeModel):
    """What the operator knows of the build."""

    observed_generation: int | None = None
    """metadata.generation that this status speaks of; -1 until the operator has looked at the build."""
    phase: Phase | None = None
    """For people only; programs read the conditions."""
    queue: QueueStatus | None = None
    """The build's place in the queue while it waits."""
    job: JobStatus | None = None
    """The one Job of this build."""
    attempts: int | None = None
    """Attempts so far, the running one included."""
    failed_attempts: tuple[FailedAttempt, ...] = ()
    """Each failed attempt."""
    start_time: Time | None = None
    """When the Job was launched."""
    completion_time: Time | None = None
    """When the build ended."""
    source: SourceStatus | None = None
    """What spec.source resolved to."""
    builds: tuple[BuildStatus, ...] = ()
    """The EAS builds."""
    submissions: tuple[SubmissionStatus, ...] = ()
    """The submissions to the stores."""
    provisional: Provisional | None = None
    """Which of these are a running attempt's word alone."""
    failure: Failure | None = None
    """Why the build failed."""
    conditions: Annotated[tuple[Condition, ...], Field(json_schema_extra=LIST_MAP_BY_TYPE)] = ()
    """Succeeded and Ready always; Reconciling and Stalled only while true."""

    def to_wire(self) -> dict[str, Any]:
        """As the API server takes it, without the lists that are empty."""
        return {key: value for key, value in super().to_wire().items() if value != []}

    def condition(self, kind: str) -> Condition | None:
        """The condition of that type, or None."""
        return next((condition for condition in self.conditions if condition.type == kind), None)

    @property
    def is_terminal(self) -> bool:
        """Whether the build has ended. A terminal status never changes again."""
        succeeded = self.condition("Succeeded")
        return succeeded is not None and succeeded.status != "Unknown"
