"""``spec`` of a PublishBuild. These docstrings are what ``kubectl explain`` prints."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from publishbuild.models import rules
from publishbuild.models.base import KubeModel
from publishbuild.models.rules import TextRule


@dataclass(frozen=True)
class Checked:
    """Marks a string that the API server (CEL) and Python check by the same rules."""

    longest: int
    rules: tuple[TextRule, ...]
    repeated: bool = True
    """Whether the API server may repeat a refused value; else the object around it carries the rules."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """At most ``longest`` characters, then each rule."""
        text = core_schema.str_schema(max_length=self.longest)
        return core_schema.no_info_after_validator_function(self._check, text)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The rules as CEL."""
        own = {"x-kubernetes-validations": [rule.cel() for rule in self.rules]} if self.repeated else {}
        return handler(schema) | own

    def _check(self, value: str) -> str:
        for rule in self.rules:
            rule.check(value)
        return value


GitUrl = Annotated[str, Checked(2048, rules.GIT_URL, repeated=False)]
GitRevision = Annotated[str, Checked(250, rules.GIT_REVISION)]
SourcePath = Annotated[str, Checked(512, rules.SOURCE_PATH)]
ProfileName = Annotated[str, Checked(100, rules.PROFILE)]
ObjectName = Annotated[str, Checked(253, rules.OBJECT_NAME)]
Word = Annotated[str, Checked(512, rules.NOT_BLANK)]
# As in a pod: the API server checks it when the Job is created.
FREE_FORM = Field(
    default=None, json_schema_extra={"type": "object", "x-kubernetes-preserve-unknown-fields": True, "anyOf": None}
)


class Platform(StrEnum):
    """Which stores to build for."""

    IOS = "ios"
    ANDROID = "android"
    ALL = "all"

    def each(self) -> tuple[str, ...]:
        """The single platforms: one for ``ios`` and ``android``, both for ``all``."""
        return ("android", "ios") if self is Platform.ALL else (self.value,)


class ConcurrencyPolicy(StrEnum):
    """What a newer build with the same concurrencyKey does to the older ones."""

    QUEUE = "Queue"
    CANCEL_PREVIOUS = "CancelPrevious"


class SecretRef(KubeModel):
    """A Secret in the build's own namespace."""

    name: ObjectName
    """Name of the Secret."""


class GitSource(KubeModel):
    """A git repository, a revision in it and the app's folder."""

    model_config = ConfigDict(
        json_schema_extra={"x-kubernetes-validations": [{**rule.cel("url")} for rule in rules.GIT_URL]}
    )

    url: GitUrl
    """https, ssh or file URL of the repository. Credentials never belong here: use secretRef."""
    revision: GitRevision = "HEAD"
    """Branch, tag or commit SHA. What it resolved to is in status.source.commit."""
    path: SourcePath = "."
    """The app's folder in the repository, relative to its root."""
    secret_ref: SecretRef | None = None
    """Secret of type kubernetes.io/basic-auth or kubernetes.io/ssh-auth that opens the repository."""


class Source(KubeModel):
    """Where the app's source is."""

    git: GitSource
    """A git repository."""


class Submit(KubeModel):
    """Submission to the stores."""

    enabled: bool = True
    """Submit to the stores after the build."""
    profile: ProfileName | None = None
    """Submit profile of eas.json. The same as spec.profile unless set."""


class EnvVar(KubeModel):
    """One environment variable of the runner."""

    name: Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")]
    """Name of the variable."""
    value: Annotated[str, Field(max_length=32768)] | None = None
    """Its value."""
    value_from: dict[str, Any] | None = FREE_FORM
    """Where its value comes from, as in a pod: secretKeyRef, configMapKeyRef, fieldRef or resourceFieldRef."""
    stages: Annotated[tuple[Literal["source", "dependencies"], ...], Field(max_length=2)] | None = None
    """Earlier stages of the Expo runner that get a variable from a Secret too, such as a registry's token for
    dependencies, whose install scripts can read it. Variables from elsewhere are in all stages."""


Quantity = Annotated[
    int | str,
    Field(
        json_schema_extra={
            "x-kubernetes-int-or-string": True,
            "anyOf": [{"type": "integer"}, {"type": "string"}],
        }
    ),
]


class Resources(KubeModel):
    """CPU, memory and storage of the runner's container, as in a pod."""

    requests: Annotated[dict[str, Quantity], Field(json_schema_extra={"maxProperties": 32})] | None = None
    """What the pod is scheduled by."""
    limits: Annotated[dict[str, Quantity], Field(json_schema_extra={"maxProperties": 32})] | None = None
    """What it may use at most."""


class Toleration(KubeModel):
    """A taint that the pod accepts, as in a pod."""

    key: str | None = None
    """Key of the taint; all keys unless set."""
    operator: Literal["Exists", "Equal"] | None = None
    """How the key relates to the value."""
    value: str | None = None
    """Value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint; all effects unless set."""
    toleration_seconds: int | None = None
    """How long a NoExecute taint is tolerated, in seconds."""


class Runner(KubeModel):
    """The pod that does the work. With command set, any build tool runs in place of the Expo runner."""

    image: Word | None = None
    """Image of the runner; the operator's default unless set."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    """When the image is pulled, as in a pod."""
    image_pull_secrets: Annotated[tuple[SecretRef, ...], Field(max_length=16)] | None = None
    """Secrets for pulling the image."""
    command: (
        Annotated[tuple[Annotated[str, Field(max_length=32768)], ...], Field(min_length=1, max_length=256)] | None
    ) = None
    """Entry point that replaces the Expo runner. Exit code 0 succeeds, 64 fails for good, any other is retried."""
    args: Annotated[tuple[Annotated[str, Field(max_length=32768)], ...], Field(max_length=256)] | None = None
    """Arguments of the entry point."""
    env: (
        Annotated[
            tuple[EnvVar, ...],
            Field(
                max_length=256,
                json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
            ),
        ]
        | None
    ) = None
    """Further environment variables."""
    resources: Resources | None = None
    """CPU, memory and storage."""
    service_account_name: ObjectName | None = None
    """Service account of the pod; its token is not mounted."""
    node_selector: Annotated[dict[str, str], Field(json_schema_extra={"maxProperties": 64})] | None = None
    """Labels that the node must have."""
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=64)] | None = None
    """Taints that the pod accepts."""
    affinity: dict[str, Any] | None = FREE_FORM
    """Scheduling constraints, as in a pod."""
    pod_annotations: Annotated[dict[str, str], Field(json_schema_extra={"maxProperties": 64})] | None = None
    """Annotations of the pod."""


class PublishBuildSpec(KubeModel):
    """What to build and publish. Everything but suspend, cancel, priority and ttlSecondsAfterFinished is immutable."""

    source: Source
    """Where the app's source is."""
    platform: Platform = Platform.ALL
    """ios, android or all."""
    profile: ProfileName = "production"
    """Build profile of eas.json."""
    submit: Submit = Submit()
    """Submission to the stores after the build."""
    credentials_secret_ref: SecretRef | None = None
    """Secret whose keys become the runner's environment (EXPO_TOKEN, store keys). The operator never reads it."""
    priority: Annotated[int, Field(ge=-1000, le=1000, strict=True)] = 0
    """Of the builds of its namespace the highest is launched first, then the oldest."""
    concurrency_key: Word | None = None
    """At most one build with this key runs at a time in the namespace."""
    concurrency_policy: ConcurrencyPolicy = ConcurrencyPolicy.QUEUE
    """Queue: wait for the older build with the same key. CancelPrevious: cancel older ones, queued or running."""
    backoff_limit: Annotated[int, Field(ge=0, le=10, strict=True)] = 3
    """Retries of a failed attempt, with exponential backoff, before the build fails."""
    queue_timeout_seconds: Annotated[int, Field(ge=1, le=2_592_000, strict=True)] | None = None
    """Waiting longer than this many seconds fails the build with reason QueueTimeout."""
    run_timeout_seconds: Annotated[int, Field(ge=1, le=604_800, strict=True)] = 7200
    """Running longer than this many seconds, retries included, fails the build. Waiting never counts."""
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=31_536_000, strict=True)] = 86400
    """The Job and its pods are removed this many seconds after the end. The PublishBuild itself is never removed."""
    suspend: bool = False
    """Hold the build while it waits in the queue; one that runs goes on."""
    cancel: bool = False
    """Stop the build, queued or running. One way."""
    runner: Runner = Runner()
    """The pod that does the work."""
    retry_of: ObjectName | None = None
    """Name of the build that this one retries."""

    @property
    def submit_profile(self) -> str:
        """The submit profile in force: the build profile unless one is named."""
        return self.submit.profile or self.profile
