"""What comes next for a platform, from what is known of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishbuild.runner.failures import FailureClass
from publishbuild.runner.next_step import (
    PlatformFacts,
    RemoteBuild,
    RemoteSubmission,
    Step,
    best_build,
    best_submission,
    next_step,
)

BUILD_STATUSES = ["NEW", "IN_QUEUE", "IN_PROGRESS", "PENDING_CANCEL", "ERRORED", "FINISHED", "CANCELED", "NEVER_SEEN"]
SUBMISSION_STATUSES = ["AWAITING_BUILD", "IN_QUEUE", "IN_PROGRESS", "FINISHED", "ERRORED", "CANCELED", "NEVER_SEEN"]

START = PlatformFacts(platform="ios", submit=True)
DONE_BUILD = replace(START, build_looked_for=True, build=RemoteBuild("b", "FINISHED"))


def with_build(status: str) -> PlatformFacts:
    return replace(START, build_looked_for=True, build=RemoteBuild("b", status))


def with_submission(status: str, *, can_retry: bool = False, retried: bool = False) -> PlatformFacts:
    submission = RemoteSubmission("s", status, can_retry=can_retry)
    return replace(DONE_BUILD, submission_looked_for=True, submission=submission, submission_retried=retried)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(START, Step.FIND_BUILD, id="nothing known: look first"),
        pytest.param(replace(START, build_looked_for=True), Step.CREATE_BUILD, id="none found: create"),
        pytest.param(with_build("NEW"), Step.POLL_BUILD, id="new"),
        pytest.param(with_build("IN_QUEUE"), Step.POLL_BUILD, id="in queue"),
        pytest.param(with_build("PENDING_CANCEL"), Step.POLL_BUILD, id="about to be canceled"),
        pytest.param(with_build("NEVER_SEEN"), Step.POLL_BUILD, id="a status that EAS invents later"),
        pytest.param(DONE_BUILD, Step.FIND_SUBMISSION, id="built: look for the submission"),
        pytest.param(replace(DONE_BUILD, submit=False), Step.DONE, id="built, nothing to submit"),
        pytest.param(replace(DONE_BUILD, submission_looked_for=True), Step.CREATE_SUBMISSION, id="none found: submit"),
        pytest.param(with_submission("AWAITING_BUILD"), Step.POLL_SUBMISSION, id="submission waits"),
        pytest.param(with_submission("FINISHED"), Step.DONE, id="submitted"),
        pytest.param(with_submission("ERRORED", can_retry=True), Step.RETRY_SUBMISSION, id="an earlier one failed"),
    ],
)
def test_each_known_state_has_its_step(facts: PlatformFacts, expected: Step) -> None:
    """Every state that goes on has exactly the step that the recipe names."""
    assert next_step(facts) is expected


@pytest.mark.parametrize(
    ("facts", "reason", "retryable"),
    [
        (with_build("ERRORED"), "BuildErrored", False),
        (with_build("CANCELED"), "BuildCanceled", False),
        (with_submission("ERRORED"), "SubmissionErrored", False),
        (with_submission("ERRORED", can_retry=True, retried=True), "SubmissionErrored", False),
        (with_submission("CANCELED"), "SubmissionCanceled", False),
    ],
)
def test_an_end_without_success_says_why(facts: PlatformFacts, reason: str, retryable: bool) -> None:
    """A build or submission that ended badly gives its reason, and whether another attempt can help."""
    failure = next_step(facts)
    assert isinstance(failure, FailureClass)
    assert (failure.reason, failure.retryable) == (reason, retryable)


def test_the_message_of_an_errored_build_has_the_code_of_eas() -> None:
    """Whoever reads the status sees EAS's own error code."""
    build = RemoteBuild("b", "ERRORED", error_code="EAS_BUILD_X", error_message="it broke")
    failure = next_step(replace(START, build=build))
    assert isinstance(failure, FailureClass)
    assert "EAS_BUILD_X: it broke" in failure.message


facts_strategy = st.builds(
    PlatformFacts,
    platform=st.sampled_from(["ios", "android"]),
    submit=st.booleans(),
    build_looked_for=st.booleans(),
    build=st.none() | st.builds(RemoteBuild, id=st.just("b"), status=st.sampled_from(BUILD_STATUSES)),
    submission_looked_for=st.booleans(),
    submission=st.none()
    | st.builds(
        RemoteSubmission, id=st.just("s"), status=st.sampled_from(SUBMISSION_STATUSES), can_retry=st.booleans()
    ),
    submission_retried=st.booleans(),
)


@given(facts_strategy)
def test_nothing_is_created_that_exists_or_was_not_looked_for(facts: PlatformFacts) -> None:
    """No state leads to a second build or a second submission."""
    step = next_step(facts)
    if step is Step.CREATE_BUILD:
        assert facts.build is None
        assert facts.build_looked_for
    if step is Step.CREATE_SUBMISSION:
        assert facts.submission is None
        assert facts.submission_looked_for
        assert facts.build is not None
        assert facts.build.status == "FINISHED"
        assert facts.submit


@given(facts_strategy)
def test_done_means_done(facts: PlatformFacts) -> None:
    """Done is only said of a finished build, and of a finished submission where one is wanted."""
    if next_step(facts) is Step.DONE:
        assert facts.build is not None
        assert facts.build.status == "FINISHED"
        assert not facts.submit or (facts.submission is not None and facts.submission.status == "FINISHED")


@given(st.lists(st.sampled_from(BUILD_STATUSES), max_size=6))
def test_of_several_builds_with_one_message_the_most_useful_goes_on(statuses: list[str]) -> None:
    """A finished build wins over one that goes on, and that over one that failed."""
    best = best_build([RemoteBuild(str(n), status) for n, status in enumerate(statuses)])
    assert (best is None) == (not statuses)
    if best and "FINISHED" in statuses:
        assert best.status == "FINISHED"
    elif best and set(statuses) - {"ERRORED", "CANCELED"}:
        assert best.status not in {"ERRORED", "CANCELED"}


def test_of_several_submissions_the_newest_failed_one_is_taken_last() -> None:
    """A submission that goes on is preferred to the failed one that it repeats."""
    found = [RemoteSubmission("new", "IN_QUEUE"), RemoteSubmission("old", "ERRORED", can_retry=True)]
    assert best_submission(found) == found[0]
    assert best_submission(found[1:]) == found[1]
    assert best_submission([]) is None


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("SUBMISSION_SERVICE_COMMON_OLD_VERSION_CODE_ERROR", "x"),
        (None, "You've already submitted this build of the app."),
        (None, "Version code 5 has already been used. Try another version code."),
        (None, "Redundant Binary Upload. You've already uploaded a build with build number '7'"),
        (None, "The bundle version must be higher than the previously uploaded version: '7'"),
        (None, "This bundle is invalid. CFBundleShortVersionString must contain a higher version than 1.0 (90062)"),
    ],
)
def test_a_version_that_was_there_before_is_told_from_other_errors(code: str | None, message: str) -> None:
    """The store would refuse it again, so EAS is not asked to run it again and no other pod is started."""
    submission = RemoteSubmission("s", "ERRORED", can_retry=True, error_code=code, error_message=message)
    failure = next_step(replace(DONE_BUILD, submission_looked_for=True, submission=submission))
    assert isinstance(failure, FailureClass)
    assert (failure.reason, failure.retryable) == ("VersionAlreadyUsed", False)
