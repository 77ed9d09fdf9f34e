"""What a finished attempt tells the operator: compact JSON in the container's termination message.

Kubernetes keeps at most 4,096 bytes of it, so `RunResult.to_message` drops what is long and least needed until it
fits. The operator reads it with `RunResult.from_message`, which never raises: any other tool may have written it.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

TERMINATION_MESSAGE_BYTES = 4096


class _Wire(BaseModel):
    """Camel case on the wire; unknown keys are ignored, so older operators read newer runners."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)


class BuildResult(_Wire):
    """One EAS build, in EAS's own words (``status`` is EAS's enum)."""

    platform: str
    id: str
    status: str
    logs_url: str | None = Field(default=None, alias="logsURL")
    artifact_url: str | None = Field(default=None, alias="artifactURL")
    app_version: str | None = None
    app_build_version: str | None = None


class SubmissionResult(_Wire):
    """One EAS submission, in EAS's own words (``status`` is EAS's enum)."""

    platform: str
    id: str
    status: str
    url: str | None = None


class FailureResult(_Wire):
    """Why the attempt failed: a CamelCase reason for programs, one sentence for people."""

    reason: str
    message: str


class RunResult(_Wire):
    """The whole report of one attempt."""

    commit: str | None = None
    builds: tuple[BuildResult, ...] = ()
    submissions: tuple[SubmissionResult, ...] = ()
    failure: FailureResult | None = None
    log_tail: str | None = None

    def to_message(self) -> str:
        """Compact JSON of at most 4,096 bytes, shortening first the log tail, then the failure's message."""
        result = self
        while len(text := _dump(result).encode()) > TERMINATION_MESSAGE_BYTES:
            excess = len(text) - TERMINATION_MESSAGE_BYTES
            if result.log_tail:
                result = result.model_copy(update={"log_tail": result.log_tail[excess + 1 :] or None})
            elif result.failure and len(result.failure.message) > 1:
                kept = max(1, len(result.failure.message) - excess - 1)
                failure = FailureResult(reason=result.failure.reason, message=result.failure.message[:kept])
                result = result.model_copy(update={"failure": failure})
            else:
                result = result.model_copy(update={"builds": (), "submissions": ()})
        return text.decode()

    @classmethod
    def from_message(cls, message: str | None) -> RunResult | None:
        """The report in a termination message, or None where there is none (another tool, a killed pod)."""
        if not message or not message.lstrip().startswith("{"):
            return None
        try:
            return cls.model_validate_json(message)
        except ValidationError:
            return None


def _dump(result: RunResult) -> str:
    return result.model_dump_json(by_alias=True, exclude_none=True, exclude_defaults=True)
