"""Every word that users, Kubernetes or Redis see, owned once.

Nothing here decides anything; whoever needs a group, label, reason or key name reads it from here, so that a
search for a word that was seen in a terminal ends in this file.
"""

from __future__ import annotations

from enum import StrEnum

GROUP = "publishbuild.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "PublishBuild"
PLURAL = "publishbuilds"
SINGULAR = "publishbuild"
SHORT_NAME = "pb"

OPERATOR_NAME = "publishbuild-operator"
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
LABEL_BUILD = f"{GROUP}/build"
LABEL_UID = f"{GROUP}/uid"
ANNOTATION_PAUSED = f"{GROUP}/paused"
# On the Namespace: which Secrets may be used with which repositories by those who may not create Jobs, a pair a line.
# The chart's admission policy reads it (charts/publishbuild-operator/templates/_submitters.tpl), the operator does not.
ANNOTATION_SECRETS = f"{GROUP}/secrets"
# On the Job, so that a key stays busy as long as the Job is there, whether its build still is or not.
ANNOTATION_KEY = f"{GROUP}/concurrency-key"
# For whom a pod's token is that it shows to the operator: the API server takes it from nobody.
CALLBACK_AUDIENCE = f"{GROUP}/operator"
VOLUME_TOKEN = "callback-token"  # noqa: S105  # a volume's name
VARIABLE_TOKEN_FILE = "PUBLISHBUILD_CALLBACK_TOKEN_FILE"  # noqa: S105  # a variable's name
# Of pods that were launched before decision 23: the token itself.
VARIABLE_TOKEN = "PUBLISHBUILD_CALLBACK_TOKEN"  # noqa: S105  # a variable's name
JOB_SELECTOR = f"{LABEL_MANAGED_BY}={OPERATOR_NAME}"

MAX_BUILD_NAME = 50
RUNNER_CONTAINER = "runner"
# The Expo runner's pod does the first two stages of an attempt in containers that come before it.
SOURCE_CONTAINER = "source"
DEPENDENCIES_CONTAINER = "dependencies"
EARLIER_STAGES = (SOURCE_CONTAINER, DEPENDENCIES_CONTAINER)
# What the runner's own container is asked for then.
PUBLISH_STAGE = "publish"

EXIT_DONE = 0
EXIT_RETRY = 1
EXIT_GIVE_UP = 64


def job_name(build_name: str, build_uid: str) -> str:
    """Name of a build's one Job: ``pb-<build name>-<8 hex of the uid>``, at most 62 characters.

    The same build always gives the same name, so creating its Job twice is a 409 and not a second build.
    """
    return f"pb-{build_name}-{build_uid.replace('-', '')[:8]}"


def slot_of(namespace: str, key: str | None) -> str | None:
    """``namespace:key``, of which one build at a time may run; None without a concurrency key."""
    return f"{namespace}:{key}" if key else None


class Phase(StrEnum):
    """``status.phase``: for people only; programs read the conditions."""

    QUEUED = "Queued"
    SUSPENDED = "Suspended"
    RUNNING = "Running"
    RETRYING = "Retrying"
    CANCELLING = "Cancelling"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class ConditionType(StrEnum):
    """Condition types on a PublishBuild; the last two are present only while true (kstatus)."""

    SUCCEEDED = "Succeeded"
    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


class QueueReason(StrEnum):
    """Why a build waits; the first that holds, in this order, is shown."""

    SUSPENDED = "Suspended"
    QUEUE_PAUSED = "QueuePaused"
    REDIS_UNAVAILABLE = "RedisUnavailable"
    CONCURRENCY_KEY_BUSY = "ConcurrencyKeyBusy"
    NAMESPACE_LIMIT = "NamespaceLimit"
    GLOBAL_LIMIT = "GlobalLimit"
    WAITING = "Waiting"


class FailureReason(StrEnum):
    """Why a build ended without success, as the reason of ``Succeeded=False``."""

    BACKOFF_LIMIT_EXCEEDED = "BackoffLimitExceeded"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    POD_FAILURE_POLICY = "PodFailurePolicy"
    QUEUE_TIMEOUT = "QueueTimeout"
    INVALID_SPEC = "InvalidSpec"
    JOB_DELETED = "JobDeleted"
    JOB_FAILED = "JobFailed"
    CANCELLED = "Cancelled"


ATTEMPT_REASONS = frozenset((
    "BuildCanceled", "BuildErrored", "CommandTimeout", "Disrupted", "EasCliFailed", "Error", "Evicted",
    "InstallFailed", "InteractiveSetupNeeded", "InvalidArguments", "InvalidConfiguration", "InvalidCredentials",
    "InvalidSettings", "NetworkError", "OOMKilled", "PermissionDenied", "PodFailed", "ProgramMissing",
    "QuotaExceeded", "RunnerError", "ServiceUnavailable", "SourceAuthFailed", "SourceCertificateInvalid",
    "SourceFailed", "SourceHostKeyUnknown", "SourceMoved", "SourceNotFetched", "SourceNotFound",
    "SourcePathNotFound", "SourceRevisionNotFound", "SourceSecretIncomplete", "StartError", "SubmissionCanceled",
    "SubmissionErrored", "SubmissionNotListed", "SubmitProfileIncomplete", "Terminated", "TooManyPendingBuilds",
    "UploadFailed", "VersionAlreadyUsed",
))  # fmt: skip
"""Reasons of a failed attempt that the runner, Kubernetes or this operator gives; any other is a tool's own."""


class EventReason(StrEnum):
    """Reasons of the Events posted on a PublishBuild."""

    QUEUED = "Queued"
    STARTED = "Started"
    ATTEMPT_FAILED = "AttemptFailed"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    REQUEUED = "Requeued"
