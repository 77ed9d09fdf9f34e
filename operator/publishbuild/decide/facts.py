"""All that a decision may depend on, gathered by `publishbuild.reconcile` before it is taken."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from publishbuild.decide.pod_words import redacted_words
from publishbuild.models.spec import PublishBuildSpec
from publishbuild.models.status import PublishBuildStatus
from publishbuild.names import (
    ANNOTATION_KEY,
    EARLIER_STAGES,
    KIND,
    LABEL_BUILD,
    LABEL_UID,
    RUNNER_CONTAINER,
    SOURCE_CONTAINER,
    VARIABLE_TOKEN,
    VOLUME_TOKEN,
    job_name,
    slot_of,
)
from publishbuild.redaction import bounded, redacted
from publishbuild.runner.result import RunResult

Object = dict[str, Any]

_MAY_BE_SECRET = frozenset(("url", "env"))


@dataclass(frozen=True, slots=True)
class BuildFacts:
    """One PublishBuild. ``spec`` is None exactly where ``spec_error`` says in one line what is wrong with it."""

    namespace: str
    name: str
    uid: str
    generation: int
    created: datetime
    deleting: bool
    spec: PublishBuildSpec | None
    spec_error: str | None
    status: PublishBuildStatus

    @classmethod
    def read(cls, build: Object) -> BuildFacts:
        """From the object as the API server gives it."""
        metadata = build["metadata"]
        spec, error = _read_spec(build.get("spec"))
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            generation=metadata.get("generation", 1),
            created=_time(metadata["creationTimestamp"]),
            deleting="deletionTimestamp" in metadata,
            spec=spec,
            spec_error=error,
            status=_read_status(build.get("status")),
        )


@dataclass(frozen=True, slots=True)
class JobFacts:
    """A build's one Job: ``complete`` or ``failed_reason`` only from its terminal conditions."""

    namespace: str
    name: str
    uid: str
    build_uid: str
    resource_version: int
    deleting: bool = False
    complete: bool = False
    failed_reason: str | None = None
    failed_message: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    succeeded_pods: int = 0
    failed_pods: int = 0
    ttl_seconds: int | None = None
    concurrency_key: str = ""

    @property
    def finished(self) -> bool:
        """Whether the Job controller has said its last word; until then the Job occupies a place."""
        return self.complete or self.failed_reason is not None

    @property
    def slot(self) -> str | None:
        """``namespace:key`` of its concurrency key, None without one."""
        return slot_of(self.namespace, self.concurrency_key)

    @classmethod
    def read(cls, job: Object) -> JobFacts:
        """From the object as the API server gives it."""
        metadata, status = job["metadata"], job.get("status") or {}
        conditions = {c["type"]: c for c in status.get("conditions") or () if c.get("status") == "True"}
        failed, complete = conditions.get("Failed"), conditions.get("Complete")
        ended = status.get("completionTime") or (failed or complete or {}).get("lastTransitionTime")
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            build_uid=build_of_job(metadata),
            resource_version=int(metadata["resourceVersion"]),
            deleting="deletionTimestamp" in metadata,
            complete=complete is not None,
            failed_reason=(failed.get("reason") or "JobFailed") if failed else None,
            failed_message=bounded(failed.get("message", "")) if failed else "",
            started=_time(status["startTime"]) if status.get("startTime") else None,
            ended=_time(ended) if ended else None,
            succeeded_pods=status.get("succeeded", 0),
            failed_pods=status.get("failed", 0),
            ttl_seconds=job.get("spec", {}).get("ttlSecondsAfterFinished"),
            concurrency_key=(metadata.get("annotations") or {}).get(ANNOTATION_KEY, ""),
        )


@dataclass(frozen=True, slots=True)
class PodFacts:
    """One attempt. ``container`` is the one that speaks for it: an earlier stage until that is done, else the runner's.

    ``exit_code`` is set once that one has ended; of an earlier stage it is never 0. ``message`` and ``waiting_message``
    are bounded and redacted; of a pod that is no build's they are not read.
    """

    namespace: str
    name: str
    uid: str
    build_uid: str
    resource_version: int
    created: datetime
    phase: str
    exit_code: int | None = None
    reason: str | None = None
    message: str | None = None
    started: datetime | None = None
    finished: datetime | None = None
    waiting_reason: str | None = None
    waiting_message: str = ""
    disrupted: bool = False
    callback_token: str = field(default="", repr=False)
    container: str = RUNNER_CONTAINER
    stage_runs: bool = False
    staged: bool = False

    @property
    def containers(self) -> tuple[str, ...]:
        """The containers that have something to say, in the order in which they ran."""
        stages = (*EARLIER_STAGES, RUNNER_CONTAINER) if self.staged else (RUNNER_CONTAINER,)
        return stages[: stages.index(self.container) + 1] if self.container in stages else stages

    @property
    def failed(self) -> bool:
        """Whether this attempt has failed for sure."""
        return self.phase == "Failed" or (self.exit_code is not None and self.exit_code != 0)

    @property
    def succeeded(self) -> bool:
        """Whether this attempt has done its work for sure."""
        return self.phase == "Succeeded" or self.exit_code == 0

    @property
    def runs(self) -> bool:
        """Whether this attempt has not ended, as far as is known."""
        return not (self.failed or self.succeeded)

    @classmethod
    def read(cls, pod: Object) -> PodFacts:
        """From the object as the API server gives it."""
        metadata, status = pod["metadata"], pod.get("status") or {}
        build_uid = build_of_pod(metadata)
        container = _speaker(status)
        ended = container.get("state", {}).get("terminated") or {}
        waiting_reason, waiting_message = _why_not_started(status, container)
        message = ended.get("message") or status.get("message") if build_uid else None
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            build_uid=build_uid,
            resource_version=int(metadata["resourceVersion"]),
            created=_time(metadata["creationTimestamp"]),
            phase=status.get("phase", "Pending"),
            exit_code=ended.get("exitCode"),
            reason=ended.get("reason") or status.get("reason"),
            message=redacted_words(message) if message else None,
            started=_time(ended["startedAt"]) if ended.get("startedAt") else None,
            finished=_time(ended["finishedAt"]) if ended.get("finishedAt") else None,
            waiting_reason=waiting_reason,
            waiting_message=redacted(bounded(waiting_message)) if build_uid else "",
            disrupted=_condition(status, "DisruptionTarget", "True") is not None,
            callback_token=_token_of(pod) if build_uid else "",
            container=container["name"],
            stage_runs=container["name"] != RUNNER_CONTAINER and "running" in container.get("state", {}),
            staged=_is_staged(pod),
        )


@dataclass(frozen=True, slots=True)
class Orphan:
    """What runs for a build that is not known; ``slot`` is the ``namespace:key`` that its Job keeps busy."""

    namespace: str
    slot: str | None = None
    started: datetime | None = None
    deleting: bool = False


def same_but_for_version(one: JobFacts | PodFacts, other: JobFacts | PodFacts) -> bool:
    """Whether no decision can tell them apart: the Job controller writes a Job more often than it has news."""
    return replace(one, resource_version=other.resource_version) == other


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """How the build stands in the queue, and how full the cluster is.

    ``entered`` is when the build entered the queue: as recorded, else when the operator first saw it. ``in_line`` is
    whether it was put in line before this look. ``position`` is 1 for the next one, None where not known; ``may_move``
    is whether another one than before may be shown now, which costs a write for each that waits. ``paused_by`` is the
    namespace whose annotation pauses the build's.
    ``opening`` is the time in which a new leader looks at all builds once, before it launches any.
    ``running`` counts the builds of all namespaces; ``running_in_namespace`` also those ``without_build``: Jobs and
    pods of builds that are not known, which count in their own namespace alone. The last ``reserved`` of ``limit``
    places go only to namespaces that have nothing running.
    """

    entered: datetime
    available: bool = True
    opening: bool = False
    direct: bool = False
    in_line: bool = True
    claimed: bool = False
    position: int | None = None
    may_move: bool = True
    paused_by: str | None = None
    key_busy: bool = False
    running: int = 0
    limit: int = 10
    reserved: int = 0
    running_in_namespace: int = 0
    without_build: int = 0
    namespace_limit: int = 0


@dataclass(frozen=True, slots=True)
class LaunchTrouble:
    """The API server refused the Job: ``final`` where asking again cannot help, else not before ``retry_at``."""

    message: str
    final: bool
    retry_at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """The whole input of one decision. ``aging_seconds`` is how long a build waits until it is overdue, 0 for never."""

    now: datetime
    build: BuildFacts
    queue: QueueFacts
    runner_image: str
    aging_seconds: int = 0
    job: JobFacts | None = None
    pods: tuple[PodFacts, ...] = field(default=())
    trouble: LaunchTrouble | None = None
    superseded_by: str | None = None
    callback_url: str = ""
    progress: RunResult | None = None

    @property
    def stopped_by(self) -> str | None:
        """Why the build is to stop, in words: its own spec, or a newer build with CancelPrevious; None if it is not."""
        if self.build.spec is not None and self.build.spec.cancel:
            return "stopped by spec.cancel"
        if self.superseded_by:
            return f"stopped by the newer build {self.superseded_by} (concurrencyPolicy CancelPrevious)"
        return None


def _read_spec(spec: Object | None) -> tuple[PublishBuildSpec | None, str | None]:
    try:
        return PublishBuildSpec.model_validate(spec or {}), None
    except ValidationError as invalid:
        first = invalid.errors(include_url=False)[0]
        where = ".".join(("spec", *(str(part) for part in first["loc"])))
        # A URL and a variable may hold a password, and this line goes to the status, to Events and to logs.
        hidden = isinstance(first["input"], (dict, list)) or not _MAY_BE_SECRET.isdisjoint(first["loc"])
        return None, f"{where}: {first['msg']}" + ("" if hidden else f", got {first['input']!r:.200}")


def _read_status(status: Object | None) -> PublishBuildStatus:
    try:
        return PublishBuildStatus.model_validate(status or {})
    except ValidationError as invalid:
        # A newer operator, or somebody else, wrote it. What can be read counts: above all, whether the build has ended.
        bad = {error["loc"][:2] for error in invalid.errors(include_url=False)}
        return PublishBuildStatus.model_validate(_readable(status or {}, bad))


def _readable(status: Object, bad: set[tuple[int | str, ...]]) -> Object:
    """``status`` without its bad fields, and of a list without its bad items."""
    fields = {place[0] for place in bad}
    return {
        key: [item for index, item in enumerate(value) if (key, index) not in bad] if isinstance(value, list) else value
        for key, value in status.items()
        if key not in fields or isinstance(value, list)
    }


def build_of_job(metadata: Object) -> str:
    """Uid of the build whose one Job this is, or "". A label alone proves nothing: anybody may write it."""
    labels = metadata.get("labels") or {}
    name, uid = labels.get(LABEL_BUILD, ""), labels.get(LABEL_UID, "")
    ours = metadata["name"] == job_name(name, uid) and _is_owned_by(metadata, KIND, name, uid)
    return uid if ours else ""


def build_of_pod(metadata: Object) -> str:
    """Uid of the build whose Job made this pod, or ""."""
    labels = metadata.get("labels") or {}
    uid: str = labels.get(LABEL_UID, "")
    return uid if _is_owned_by(metadata, "Job", job_name(labels.get(LABEL_BUILD, ""), uid)) else ""


def _token_of(pod: Object) -> str:
    """What a pod that was launched before decision 23 shows to the operator: a variable of its own. "" of any other."""
    spec = pod.get("spec") or {}
    if any(volume["name"] == VOLUME_TOKEN for volume in spec.get("volumes") or ()):
        return ""
    containers = spec.get("containers") or ()
    variables = (env for one in containers if one["name"] == RUNNER_CONTAINER for env in one.get("env") or ())
    return next((str(one.get("value", "")) for one in variables if one["name"] == VARIABLE_TOKEN), "")


def _is_owned_by(metadata: Object, kind: str, name: str, uid: str | None = None) -> bool:
    return any(
        owner.get("controller") and owner["kind"] == kind and owner["name"] == name and uid in (None, owner["uid"])
        for owner in metadata.get("ownerReferences") or ()
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _condition(status: Object, kind: str, value: str) -> Object | None:
    conditions = status.get("conditions") or ()
    return next((c for c in conditions if c["type"] == kind and c["status"] == value), None)


def _is_staged(pod: Object) -> bool:
    earlier = pod.get("spec", {}).get("initContainers") or ()
    return any(one["name"] == SOURCE_CONTAINER for one in earlier)


def _speaker(status: Object) -> Object:
    """The status of the first stage that has failed or is not done, else of the runner's container."""
    own: Object = next((one for one in status.get("containerStatuses") or () if one["name"] == RUNNER_CONTAINER), {})
    has_begun = not {"running", "terminated"}.isdisjoint(own.get("state", {}))
    earlier: dict[str, Object] = {one["name"]: one for one in status.get("initContainerStatuses") or ()}
    for name in EARLIER_STAGES:
        stage = earlier.get(name)
        ended = stage and stage.get("state", {}).get("terminated")
        # A kubelet that gives a pod up says of the runner too that it has ended, with a code of its own.
        if stage and (ended["exitCode"] != 0 if ended else not has_begun):
            return stage | {"name": name}
    return own | {"name": RUNNER_CONTAINER}


# A pull that failed is shown by two words in turn; one word keeps the status from flapping.
_SAME_TROUBLE = {"ErrImagePull": "ImagePullBackOff"}
_NO_TROUBLE = {None, "ContainerCreating", "PodInitializing"}


def _why_not_started(status: Object, container: Object) -> tuple[str | None, str]:
    waiting = container.get("state", {}).get("waiting") or {}
    if waiting.get("reason") not in _NO_TROUBLE:
        reason = _SAME_TROUBLE.get(waiting["reason"], waiting["reason"])
        return reason, "" if reason == "ImagePullBackOff" else waiting.get("message", "")
    unscheduled = _condition(status, "PodScheduled", "False")
    if unscheduled and unscheduled.get("reason") == "Unschedulable":
        return "Unschedulable", unscheduled.get("message", "")
    return None, ""
