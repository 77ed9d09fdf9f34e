"""PURE: what is known of the platforms -> one sentence for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publishbuild.runner.next_step import ENDED, Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from publishbuild.runner.failures import FailureClass
    from publishbuild.runner.next_step import PlatformFacts, RemoteBuild

SECONDS_PER_MINUTE = 60


def sentence(
    facts: Mapping[str, PlatformFacts], doing: Mapping[str, Step], failures: Mapping[str, FailureClass]
) -> str | None:
    """What each platform is about, in the order of the platforms; None before the first of them is."""
    said = (_of(one, doing.get(name), failures.get(name)) for name, one in facts.items())
    return "; ".join(filter(None, said)) or None


def _of(facts: PlatformFacts, doing: Step | None, failure: FailureClass | None) -> str | None:
    platform, build, submission = facts.platform, facts.build, facts.submission
    if failure is not None:
        return f"{platform} failed: {failure.reason}"
    if step := _doing(doing, platform, build):
        return step
    if submission is not None:
        return f"{platform} submission {submission.id} is {submission.status}"
    if build is None:
        return None
    return f"{platform} build {build.id} is {build.status}" + (" at EAS" + _queue(build) if _goes_on(build) else "")


def _doing(step: Step | None, platform: str, build: RemoteBuild | None) -> str | None:
    """Steps that take long, that cost something, or before which nothing is known."""
    match step:
        case Step.FIND_BUILD:
            return f"an {platform} build of an earlier attempt is looked for"
        case Step.CREATE_BUILD:
            return f"the {platform} project is uploaded to EAS"
        case Step.CREATE_SUBMISSION:
            return f"{platform} build {build.id if build else ''} is handed to the store"
        case Step.RETRY_SUBMISSION:
            return f"EAS is asked to run the {platform} submission again"
        case _:
            return None


def _goes_on(build: RemoteBuild) -> bool:
    return build.status not in ENDED


def _queue(build: RemoteBuild) -> str:
    """Position and guess, to the minute: to the second it would be news at every look."""
    position = f", position {build.queue_position}" if build.queue_position is not None else ""
    if build.wait_seconds is None:
        return position
    return f"{position}, about {max(1, round(build.wait_seconds / SECONDS_PER_MINUTE))} min"
