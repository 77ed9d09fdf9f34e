"""What an attempt tells the operator: compact JSON, in the container's termination message and, on the way, in its log.

Kubernetes keeps at most 4,096 bytes of the message, so `RunResult.to_message` gives up what is long and least needed,
one thing at a time, until it fits. The operator reads it with `RunResult.from_message`, which never raises: any other
tool may have written it. `to_progress` and `from_progress` are the same for a line of the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from publishbuild.printable import is_printable, printable_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TERMINATION_MESSAGE_BYTES = 4096
PROGRESS_MARK = "::publishbuild-progress::"
PROGRESS_BYTES = 3500


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
    """The whole report of one attempt. ``message``: one sentence for people on what it does, or did, now."""

    commit: str | None = None
    builds: tuple[BuildResult, ...] = ()
    submissions: tuple[SubmissionResult, ...] = ()
    message: str | None = None
    failure: FailureResult | None = None
    log_tail: str | None = None

    def to_message(self, limit: int = TERMINATION_MESSAGE_BYTES) -> str:
        """Compact JSON of at most ``limit`` bytes; never raises and always ends, whatever the fields hold.

        Shortened in this order: the log tail (from its start), the failure's message and the message (from their
        ends), the builds' and submissions' links, then the builds and submissions themselves, last the rest.
        """
        result = _printable(self)
        for shrink in _SHRINKS:
            excess = len(_dump(result).encode()) - limit
            if excess <= 0:
                break
            result = shrink(result, excess)
        return _dump(result)

    @classmethod
    def from_message(cls, message: str | None) -> RunResult | None:
        """The report in a termination message, or None where there is none (another tool, a killed pod)."""
        if not message or not message.lstrip().startswith("{"):
            return None
        try:
            return cls.model_validate_json(message)
        except ValueError:  # pydantic's own error is one; text that is not Unicode is another
            return None

    def to_progress(self) -> str:
        """The same as one line of the log, at most 3,500 bytes with its mark."""
        return PROGRESS_MARK + self.to_message(PROGRESS_BYTES - len(PROGRESS_MARK))

    @classmethod
    def from_progress(cls, line: str) -> RunResult | None:
        """The report in a line of the log, or None where the line is another one."""
        return cls.from_message(line.removeprefix(PROGRESS_MARK)) if line.startswith(PROGRESS_MARK) else None


def _dump(result: RunResult) -> str:
    return printable_json(result.model_dump_json(by_alias=True, exclude_none=True, exclude_defaults=True))


def _printable(result: RunResult) -> RunResult:
    """The same report without lone surrogates, which JSON cannot carry."""

    def clean(value: object) -> object:
        if isinstance(value, str):
            return value.encode("utf-8", "replace").decode()
        if isinstance(value, dict):
            return {key: clean(item) for key, item in value.items()}
        return [clean(item) for item in value] if isinstance(value, (list, tuple)) else value

    return RunResult.model_validate(clean(result.model_dump()))


def _json_bytes(text: str) -> Iterator[int]:
    """How many bytes each character takes in the JSON (a quote takes two, one that is not printable six or twelve)."""
    for character in text:
        if character in '"\\\b\f\n\r\t':
            yield 2
        elif is_printable(character):
            yield len(character.encode())
        else:
            yield 6 if character <= "\uffff" else 12


def _characters_for(text: str, spare: int) -> int:
    """How many leading characters of ``text`` must go to save ``spare`` bytes of JSON."""
    for count, size in enumerate(_json_bytes(text), start=1):
        spare -= size
        if spare <= 0:
            return count
    return len(text)


def _shorten_log_tail(result: RunResult, excess: int) -> RunResult:
    tail = result.log_tail or ""
    return result.model_copy(update={"log_tail": tail[_characters_for(tail, excess) :] or None})


def _shorten_failure(result: RunResult, excess: int) -> RunResult:
    if result.failure is None:
        return result
    message = result.failure.message
    kept = len(message) - _characters_for(message[::-1], excess)
    return result.model_copy(
        update={"failure": FailureResult(reason=result.failure.reason, message=message[: max(kept, 80)])}
    )


def _shorten_text(result: RunResult, excess: int) -> RunResult:
    text = result.message or ""
    kept = len(text) - _characters_for(text[::-1], excess)
    return result.model_copy(update={"message": text[: max(kept, 80)] or None})


def _drop_links(result: RunResult, _excess: int) -> RunResult:
    builds = tuple(b.model_copy(update={"logs_url": None, "artifact_url": None}) for b in result.builds)
    submissions = tuple(s.model_copy(update={"url": None}) for s in result.submissions)
    return result.model_copy(update={"builds": builds, "submissions": submissions})


def _drop_details(result: RunResult, _excess: int) -> RunResult:
    return result.model_copy(update={"builds": (), "submissions": ()})


def _drop_the_rest(result: RunResult, _excess: int) -> RunResult:
    failure = result.failure
    if failure is not None:
        failure = FailureResult(reason=failure.reason[:80], message=failure.message[:80])
    return RunResult(failure=failure)


_SHRINKS: tuple[Callable[[RunResult, int], RunResult], ...] = (
    _shorten_log_tail,
    _shorten_failure,
    _shorten_text,
    _drop_links,
    _drop_details,
    _drop_the_rest,
)
