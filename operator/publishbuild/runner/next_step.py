"""PURE: what is known of one platform's build -> the one thing to do next.

The order is what keeps a retry from paying twice: nothing is created before it was looked for in this attempt, and
after a failed creation the attempt ends, so that the next one looks again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from publishbuild.runner.failures import VERSION_USED, FailureClass

ENDED = frozenset({"FINISHED", "ERRORED", "CANCELED"})


class Step(StrEnum):
    """One thing to do for a platform."""

    FIND_BUILD = "FindBuild"
    CREATE_BUILD = "CreateBuild"
    POLL_BUILD = "PollBuild"
    FIND_SUBMISSION = "FindSubmission"
    CREATE_SUBMISSION = "CreateSubmission"
    RETRY_SUBMISSION = "RetrySubmission"
    POLL_SUBMISSION = "PollSubmission"
    DONE = "Done"


WAITING = frozenset({Step.POLL_BUILD, Step.POLL_SUBMISSION})


@dataclass(frozen=True)
class RemoteBuild:
    """A build on EAS. ``status`` is EAS's word; one that nobody knows counts as still going on.

    ``queue_position`` (1 is next) and ``wait_seconds`` (EAS's guess) are there while it is queued. They change all the
    time, so two builds that differ in them alone are equal.
    """

    id: str
    status: str
    error_code: str | None = None
    error_message: str | None = None
    commit: str | None = None
    page_url: str | None = None
    artifact_url: str | None = None
    app_version: str | None = None
    app_build_version: str | None = None
    queue_position: int | None = field(default=None, compare=False)
    wait_seconds: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class RemoteSubmission:
    """A submission on EAS. ``can_retry``: EAS would run it again without a new one."""

    id: str
    status: str
    can_retry: bool = False
    error_code: str | None = None
    error_message: str | None = None
    page_url: str | None = None


@dataclass(frozen=True)
class PlatformFacts:
    """What this attempt knows of one platform.

    ``submission_retried``: this attempt already had EAS run a failed submission again; it is not asked twice.
    """

    platform: str
    submit: bool
    build_looked_for: bool = False
    build: RemoteBuild | None = None
    submission_looked_for: bool = False
    submission: RemoteSubmission | None = None
    submission_retried: bool = False


def next_step(facts: PlatformFacts) -> Step | FailureClass:
    """The next step for the platform, or why it cannot go on."""
    build = facts.build
    if build is None:
        return Step.CREATE_BUILD if facts.build_looked_for else Step.FIND_BUILD
    if build.status == "ERRORED":
        detail = f"{build.error_code or 'no error code'}: {build.error_message or 'no message'}"
        message = f"the {facts.platform} build {build.id} ended ERRORED, {detail}"
        return FailureClass("BuildErrored", message, retryable=False)
    if build.status == "CANCELED":
        message = f"the {facts.platform} build {build.id} was canceled on EAS"
        return FailureClass("BuildCanceled", message, retryable=False)
    if build.status != "FINISHED":
        return Step.POLL_BUILD
    return _next_for_submission(facts) if facts.submit else Step.DONE


def _next_for_submission(facts: PlatformFacts) -> Step | FailureClass:
    submission = facts.submission
    if submission is None:
        return Step.CREATE_SUBMISSION if facts.submission_looked_for else Step.FIND_SUBMISSION
    if submission.status == "FINISHED":
        return Step.DONE
    if submission.status == "ERRORED":
        return _next_after_error(facts, submission)
    if submission.status == "CANCELED":
        message = f"the {facts.platform} submission {submission.id} was canceled on EAS"
        return FailureClass("SubmissionCanceled", message, retryable=False)
    return Step.POLL_SUBMISSION


def _next_after_error(facts: PlatformFacts, submission: RemoteSubmission) -> Step | FailureClass:
    """EAS may run it again once, unless the store has said that this version was there before."""
    detail = f"{submission.error_code or 'no error code'}: {submission.error_message or 'no message'}"
    message = f"the {facts.platform} submission {submission.id} ended ERRORED, {detail}"
    if VERSION_USED.search(detail):
        return FailureClass("VersionAlreadyUsed", message, retryable=False)
    if submission.can_retry and not facts.submission_retried:
        return Step.RETRY_SUBMISSION
    return FailureClass("SubmissionErrored", message, retryable=False)


def best_build(found: list[RemoteBuild]) -> RemoteBuild | None:
    """The build to go on with where several carry the same message (newest first): done, else going on, else newest."""
    for wanted in (lambda b: b.status == "FINISHED", lambda b: b.status not in ENDED):
        if good := next((build for build in found if wanted(build)), None):
            return good
    return found[0] if found else None


def best_submission(found: list[RemoteSubmission]) -> RemoteSubmission | None:
    """The submission to go on with, chosen as `best_build` chooses."""
    for wanted in (lambda s: s.status == "FINISHED", lambda s: s.status not in ENDED):
        if good := next((item for item in found if wanted(item)), None):
            return good
    return found[0] if found else None
