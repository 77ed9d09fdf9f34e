"""``execute_build_and_submit``: one attempt, from an empty folder to a result.

It asks `next_step` what to do for each platform, has `EasCli` do it, and reports after every change, so that even an
attempt that is killed has said which builds it started.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

import tenacity

from publishbuild.names import EXIT_DONE, EXIT_GIVE_UP, EXIT_RETRY
from publishbuild.runner.failures import AttemptFailed, FailureClass
from publishbuild.runner.git import give_up
from publishbuild.runner.next_step import WAITING, PlatformFacts, Step, next_step
from publishbuild.runner.result import BuildResult, FailureResult, RunResult, SubmissionResult

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from structlog.typing import FilteringBoundLogger

    from publishbuild.runner.eas import EasCli
    from publishbuild.runner.git import Clone
    from publishbuild.runner.settings import RunnerSettings

T = TypeVar("T")

LONGEST_POLL_SECONDS = 30.0
POLL_GROWTH = 1.25
READ_ATTEMPTS = 8


@dataclass
class Attempt:
    """One attempt in progress. ``sleep`` is handed in, and ``report`` is called with every new state."""

    settings: RunnerSettings
    clone: Clone
    open_app: Callable[[Path], EasCli]
    prepare_app: Callable[[Path], None]
    report: Callable[[RunResult], None]
    sleep: Callable[[float], None]
    log: FilteringBoundLogger
    commit: str | None = None
    facts: dict[str, PlatformFacts] = field(default_factory=dict)
    failures: dict[str, FailureClass] = field(default_factory=dict)

    def result(self) -> RunResult:
        """What is known so far, as the operator reads it."""
        worst = self.worst_failure()
        return RunResult(
            commit=self.commit,
            builds=tuple(_build_result(facts) for facts in self.facts.values() if facts.build),
            submissions=tuple(_submission_result(facts) for facts in self.facts.values() if facts.submission),
            failure=FailureResult(reason=worst.reason, message=worst.message) if worst else None,
        )

    def worst_failure(self) -> FailureClass | None:
        """The failure to report: one that a retry may help comes first, since then there will be one."""
        return min(self.failures.values(), key=lambda failure: not failure.retryable, default=None)

    def exit_code(self) -> int:
        """0 all done, 1 another attempt may help, 64 none will."""
        worst = self.worst_failure()
        if worst is None:
            return EXIT_DONE
        return EXIT_RETRY if worst.retryable else EXIT_GIVE_UP


def execute_build_and_submit(attempt: Attempt) -> None:
    """Clone, find or start the builds, wait, find or make the submissions, wait. The end is in ``attempt``.

    Raises:
        AttemptFailed: before any platform was on its way (source, login). Later failures are each platform's own:
            the others go on, since they are paid for.
    """
    settings = attempt.settings
    attempt.commit = attempt.clone.fetch(settings.source_url, settings.source_revision)
    attempt.log.info("source is checked out", commit=attempt.commit, revision=settings.source_revision)
    attempt.report(attempt.result())
    app = _app_folder(attempt)
    attempt.prepare_app(app)
    eas = attempt.open_app(app)
    attempt.facts = {name: PlatformFacts(platform=name, submit=settings.submit) for name in settings.platforms}
    for platform in settings.platforms:
        _advance(attempt, eas, platform, until=Step.FIND_BUILD)
    if _go_back_to_found_commit(attempt):
        attempt.prepare_app(_app_folder(attempt))
    _work_until_done(attempt, eas)


def _app_folder(attempt: Attempt) -> Path:
    root = attempt.clone.folder.resolve()
    folder = (root / attempt.settings.source_path).resolve()
    if not folder.is_relative_to(root) or not folder.is_dir():
        raise give_up("SourcePathNotFound", f"the source has no folder {attempt.settings.source_path!r}")
    return folder


def _go_back_to_found_commit(attempt: Attempt) -> bool:
    """Go on with the commit of an earlier attempt's build: a moved branch must not mix two versions in one release."""
    found = {facts.build.commit for facts in attempt.facts.values() if facts.build and facts.build.commit}
    if not found or attempt.commit in found:
        return False
    wanted = min(found)
    attempt.log.info("an earlier attempt built another commit; going back to it", commit=wanted)
    attempt.commit = attempt.clone.checkout(wanted)
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
        try:
            after = _do(attempt, eas, facts, step)
        except AttemptFailed as error:
            if step is Step.FIND_BUILD:
                raise
            _fail(attempt, platform, error.failure)
            return False
        looked = True
        attempt.facts[platform] = after
        if after != facts:
            _tell(attempt, step, after)
        if step is until:
            return True


def _do(attempt: Attempt, eas: EasCli, facts: PlatformFacts, step: Step) -> PlatformFacts:
    """Carry out one step and return what is known after it. Reads are repeated on errors, creations never."""
    settings, platform = attempt.settings, facts.platform
    message = settings.message(platform)
    build_id = facts.build.id if facts.build else ""
    match step:
        case Step.FIND_BUILD:
            found = _reading(attempt, lambda: eas.find_build(platform, settings.profile, message))
            return replace(facts, build=found, build_looked_for=True)
        case Step.CREATE_BUILD:
            return replace(facts, build=eas.create_build(platform, settings.profile, message))
        case Step.POLL_BUILD:
            return replace(facts, build=_reading(attempt, lambda: eas.view_build(build_id)))
        case Step.CREATE_SUBMISSION:
            eas.create_submission(platform, settings.effective_submit_profile, build_id)
            return replace(_with_submission(attempt, eas, facts), submission_retried=True)
        case Step.RETRY_SUBMISSION:
            eas.retry_submission(facts.submission.id if facts.submission else "")
            return replace(_with_submission(attempt, eas, facts), submission_retried=True)
        case _:
            return replace(_with_submission(attempt, eas, facts, must_exist=False), submission_looked_for=True)


def _with_submission(attempt: Attempt, eas: EasCli, facts: PlatformFacts, *, must_exist: bool = True) -> PlatformFacts:
    build_id = facts.build.id if facts.build else ""
    found = _reading(attempt, lambda: eas.find_submission(facts.platform, build_id))
    if found is None and (must_exist or facts.submission is not None):
        message = f"EAS does not list the submission of build {build_id} (yet)"
        raise AttemptFailed(FailureClass("SubmissionNotListed", message, retryable=True))
    return replace(facts, submission=found)


def _reading(attempt: Attempt, read: Callable[[], T]) -> T:
    """Repeat a read that failed for a passing reason; the last failure is the attempt's."""
    pause = attempt.settings.poll_seconds
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda e: isinstance(e, AttemptFailed) and e.failure.retryable),
        stop=tenacity.stop_after_attempt(READ_ATTEMPTS),
        wait=tenacity.wait_exponential(multiplier=pause, max=max(pause, LONGEST_POLL_SECONDS)),
        sleep=attempt.sleep,
        reraise=True,
    )
    return retrying(read)


def _fail(attempt: Attempt, platform: str, failure: FailureClass) -> None:
    attempt.failures[platform] = failure
    attempt.log.error(failure.message, platform=platform, reason=failure.reason, retryable=failure.retryable)
    attempt.report(attempt.result())


def _tell(attempt: Attempt, step: Step, facts: PlatformFacts) -> None:
    build, submission = facts.build, facts.submission
    attempt.log.info(
        "step",
        step=str(step),
        platform=facts.platform,
        build=build.id if build else None,
        build_status=build.status if build else None,
        submission=submission.id if submission else None,
        submission_status=submission.status if submission else None,
    )
    attempt.report(attempt.result())


def _build_result(facts: PlatformFacts) -> BuildResult:
    build = facts.build
    assert build is not None  # noqa: S101 - the caller has looked
    return BuildResult(
        platform=facts.platform,
        id=build.id,
        status=build.status,
        logs_url=build.page_url,
        artifact_url=build.artifact_url,
        app_version=build.app_version,
        app_build_version=build.app_build_version,
    )


def _submission_result(facts: PlatformFacts) -> SubmissionResult:
    submission = facts.submission
    assert submission is not None  # noqa: S101 - the caller has looked
    return SubmissionResult(
        platform=facts.platform, id=submission.id, status=submission.status, url=submission.page_url
    )
