"""Cancels on EAS what the attempts of one PublishBuild have started there and what has not ended yet.

Cancelling may be repeated, so it is: a second look does no harm, and one that has ended stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from publishbuild.runner.failures import AttemptFailed, FailureClass
from publishbuild.runner.next_step import ENDED, PlatformFacts, Step, best_build

if TYPE_CHECKING:
    from publishbuild.runner.attempt import Attempt
    from publishbuild.runner.eas import EasCli
    from publishbuild.runner.next_step import RemoteBuild


@dataclass(frozen=True)
class Canceled:
    """``said``: a sentence that names each build. ``failure``: why something may still go on, or None."""

    said: str
    failure: FailureClass | None


def cancel_remote(attempt: Attempt) -> Canceled:
    """Cancel what this attempt or an earlier one has started; the statuses after it are in ``attempt``.

    Never raises for what EAS or git answer; whoever calls it bounds its time.
    """
    said: list[str] = []
    failures: list[FailureClass] = []
    try:
        eas = attempt.eas or attempt.open_source(check=False)
    except AttemptFailed as error:
        message = f"whether builds go on at EAS is not known: {error.failure.message}"
        return Canceled(message, replace(error.failure, message=message))
    for platform in attempt.settings.platforms:
        try:
            said += _cancel_platform(attempt, eas, platform)
        except AttemptFailed as error:
            build = attempt.facts[platform].build
            what = f"{platform} build {build.id}" if build else f"what {platform} builds there are"
            said.append(f"{what} could not be canceled ({error.failure.message})")
            failures.append(error.failure)
    sentence = "; ".join(said) or "there was nothing to cancel on EAS"
    worst = min(failures, key=lambda failure: not failure.retryable, default=None)
    return Canceled(sentence, replace(worst, message=sentence) if worst else None)


def _cancel_platform(attempt: Attempt, eas: EasCli, platform: str) -> list[str]:
    facts = attempt.facts.get(platform) or PlatformFacts(platform=platform, submit=attempt.settings.submit)
    attempt.facts[platform] = facts
    builds = _started(attempt, eas, facts)
    said = []
    for build in builds:
        attempt.reading(lambda build=build: eas.cancel_build(build.id))  # type: ignore[misc]
        after = attempt.reading(lambda build=build: eas.view_build(build.id))  # type: ignore[misc]
        attempt.log.info("canceled", platform=platform, build=build.id, build_status=after.status)
        attempt.facts[platform] = replace(attempt.facts[platform], build=after)
        said.append(f"{platform} build {build.id} was canceled on EAS (it is {after.status})")
    return said + _cancel_submission(attempt, eas, attempt.facts[platform])


def _started(attempt: Attempt, eas: EasCli, facts: PlatformFacts) -> list[RemoteBuild]:
    """The builds that go on. One whose creation was interrupted is looked for twice: its request may be on the way."""
    if facts.build is not None:
        return [facts.build] if facts.build.status not in ENDED else []
    settings, platform = attempt.settings, facts.platform
    looks = 2 if attempt.doing.get(platform) is Step.CREATE_BUILD else 1
    found: list[RemoteBuild] = []
    while looks and not found:
        found = attempt.reading(lambda: eas.find_builds(platform, settings.profile, settings.message(platform)))
        looks -= 1
    attempt.facts[platform] = replace(facts, build=best_build(found), build_looked_for=True)
    return [build for build in found if build.status not in ENDED]


def _cancel_submission(attempt: Attempt, eas: EasCli, facts: PlatformFacts) -> list[str]:
    """A build that has ended may be on its way into the store: that is stopped too, where EAS still can."""
    build = facts.build
    if build is None or build.status != "FINISHED" or not facts.submit:
        return []
    found = attempt.reading(lambda: eas.find_submission(facts.platform, build.id))
    if found is None or found.status in ENDED:
        attempt.facts[facts.platform] = replace(facts, submission=found)
        what = f"and submission {found.id} have" if found else "has"
        return [f"{facts.platform} build {build.id} {what} ended before"]
    attempt.reading(lambda: eas.cancel_submission(found.id))
    after = attempt.reading(lambda: eas.find_submission(facts.platform, build.id)) or found
    attempt.facts[facts.platform] = replace(facts, submission=after)
    return [f"{facts.platform} submission {found.id} was canceled on EAS (it is {after.status})"]
