"""``execute_build_and_submit``: one attempt, from an empty folder to a result.

It asks `next_step` what to do for each platform, has `EasCli` do it, and reports after every change, so that even an
attempt that is killed has said which builds it started.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from publishbuild.runner.attempt import LONGEST_POLL_SECONDS
from publishbuild.runner.failures import AttemptFailed, FailureClass
from publishbuild.runner.next_step import WAITING, PlatformFacts, Step, next_step

if TYPE_CHECKING:
    from publishbuild.runner.attempt import Attempt
    from publishbuild.runner.eas import EasCli

POLL_GROWTH = 1.25


def execute_build_and_submit(attempt: Attempt) -> None:
    """Clone, find or start the builds, wait, find or make the submissions, wait. The end is in ``attempt``.

    Raises:
        AttemptFailed: before any platform was on its way (source, login). Later failures are each platform's own:
            the others go on, since they are paid for.
    """
    settings = attempt.settings
    eas = attempt.open_source()
    attempt.facts = {name: PlatformFacts(platform=name, submit=settings.submit) for name in settings.platforms}
    for platform in settings.platforms:
        _advance(attempt, eas, platform, until=Step.FIND_BUILD)
    if _go_back_to_found_commit(attempt):
        eas = attempt.prepare()
    _work_until_done(attempt, eas)


def _go_back_to_found_commit(attempt: Attempt) -> bool:
    """Go on with the commit of an earlier attempt's build: a moved branch must not mix two versions in one release."""
    found = {facts.build.commit for facts in attempt.facts.values() if facts.build and facts.build.commit}
    if not found or attempt.commit in found:
        return False
    wanted = min(found)
    attempt.log.info("an earlier attempt built another commit; going back to it", commit=wanted)
    try:
        attempt.commit = attempt.clone.checkout(wanted)
    except AttemptFailed as error:
        if error.failure.retryable or any(facts.build is None for facts in attempt.facts.values()):
            raise
        # Nothing more is built; the newer commit only says how the builds are submitted.
        attempt.log.warning("that commit cannot be had; its builds go on with the settings of the newer one")
        attempt.commit = wanted
        return False
    return True


def _work_until_done(attempt: Attempt, eas: EasCli) -> None:
    pause = attempt.settings.poll_seconds
    while True:
        waiting = [_advance(attempt, eas, platform) for platform in attempt.facts if platform not in attempt.failures]
        if not any(waiting):
            return
        attempt.sleep(pause)
        pause = max(pause, min(pause * POLL_GROWTH, LONGEST_POLL_SECONDS))


def _advance(attempt: Attempt, eas: EasCli, platform: str, until: Step | None = None) -> bool:
    """Do what is next for a platform until it only waits, ends or did ``until``. True while it waits.

    Every step tells the present status, so after one there is nothing to poll for before the next round.
    """
    looked = False
    while True:
        facts = attempt.facts[platform]
        step = next_step(facts)
        if isinstance(step, FailureClass):
            _fail(attempt, platform, step)
            return False
        if step is Step.DONE or (step in WAITING and looked):
            return step is not Step.DONE
        attempt.doing[platform] = step
        attempt.tell()
        try:
            after = _do(attempt, eas, facts, step)
        except AttemptFailed as error:
            if step is Step.FIND_BUILD:
                raise
            _fail(attempt, platform, error.failure)
            return False
        looked = True
        attempt.facts[platform] = after
        del attempt.doing[platform]
        if after != facts:
            _log_step(attempt, step, after)
        attempt.tell()
        if step is until:
            return True


def _do(attempt: Attempt, eas: EasCli, facts: PlatformFacts, step: Step) -> PlatformFacts:
    """Carry out one step and return what is known after it. Reads are repeated on errors, creations never."""
    settings, platform = attempt.settings, facts.platform
    message = settings.message(platform)
    build_id = facts.build.id if facts.build else ""
    match step:
        case Step.FIND_BUILD:
            found = attempt.reading(lambda: eas.find_build(platform, settings.profile, message))
            return replace(facts, build=found, build_looked_for=True)
        case Step.CREATE_BUILD:
            return replace(facts, build=eas.create_build(platform, settings.profile, message))
        case Step.POLL_BUILD:
            return replace(facts, build=attempt.reading(lambda: eas.view_build(build_id)))
        case Step.CREATE_SUBMISSION:
            eas.create_submission(platform, settings.effective_submit_profile, build_id)
            return _with_submission(attempt, eas, facts)
        case Step.RETRY_SUBMISSION:
            eas.retry_submission(facts.submission.id if facts.submission else "")
            return replace(_with_submission(attempt, eas, facts, must_be_new=True), submission_retried=True)
        case _:
            return replace(_with_submission(attempt, eas, facts, must_exist=False), submission_looked_for=True)


def _with_submission(
    attempt: Attempt, eas: EasCli, facts: PlatformFacts, *, must_exist: bool = True, must_be_new: bool = False
) -> PlatformFacts:
    build_id = facts.build.id if facts.build else ""
    known = facts.submission
    found = attempt.reading(lambda: eas.find_submission(facts.platform, build_id))
    missing = found is None and (must_exist or known is not None)
    if missing or (must_be_new and known and found and found.id == known.id):
        message = f"EAS does not list the submission of build {build_id} (yet)"
        raise AttemptFailed(FailureClass("SubmissionNotListed", message, retryable=True))
    return replace(facts, submission=found)


def _fail(attempt: Attempt, platform: str, failure: FailureClass) -> None:
    attempt.failures[platform] = failure
    attempt.log.error(failure.message, platform=platform, reason=failure.reason, retryable=failure.retryable)
    attempt.tell()


def _log_step(attempt: Attempt, step: Step, facts: PlatformFacts) -> None:
    build, submission = facts.build, facts.submission
    known = {
        "build": build.id if build else None,
        "build_status": build.status if build else None,
        "submission": submission.id if submission else None,
        "submission_status": submission.status if submission else None,
    }
    told = {name: value for name, value in known.items() if value is not None}
    attempt.log.info("step", step=str(step), platform=facts.platform, **told)
