"""A cancelled build is told from a drained pod, and what goes on at EAS is cancelled."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from publishbuild.runner.__main__ import OutOfTime, _time_limit
from publishbuild.runner.attempt import Attempt
from publishbuild.runner.cancel import cancel_remote
from publishbuild.runner.failures import AttemptFailed, FailureClass
from publishbuild.runner.logs import LogTail, make_log
from publishbuild.runner.next_step import PlatformFacts, RemoteBuild, Step
from publishbuild.runner.progress import sentence
from publishbuild.runner.redact import Redactor
from publishbuild.runner.settings import read_settings
from tests.support.waiting import until

REFUSED = FailureClass("PermissionDenied", "no permission", retryable=False)


@dataclass
class FakeEas:
    """EAS in memory. ``listed``: builds by platform; ``late``: how many looks find nothing."""

    listed: dict[str, list[RemoteBuild]] = field(default_factory=dict)
    refuses: str = ""
    late: int = 0
    canceled: list[str] = field(default_factory=list)

    def find_builds(self, platform: str, _profile: str, _message: str) -> list[RemoteBuild]:
        self.late -= 1
        return self.listed.get(platform, []) if self.late < 0 else []

    def cancel_build(self, build_id: str) -> None:
        if build_id == self.refuses:
            raise AttemptFailed(REFUSED)
        self.canceled.append(build_id)

    def view_build(self, build_id: str) -> RemoteBuild:
        return RemoteBuild(build_id, "PENDING_CANCEL")


def attempt(eas: FakeEas, **environment: str) -> Attempt:
    given = dict.fromkeys(("UID", "NAME", "NAMESPACE"), "x") | {"SOURCE_URL": "file:///x"} | environment
    any_eas: Any = eas
    unused: Any = None
    return Attempt(
        settings=read_settings({f"PUBLISHBUILD_{name}": value for name, value in given.items()}),
        clone=unused,
        open_app=unused,
        prepare_app=unused,
        report=lambda _result: None,
        sleep=lambda _seconds: None,
        log=make_log(Redactor(set()), LogTail()),
        eas=any_eas,
    )


def test_every_build_of_the_uid_that_goes_on_is_cancelled_by_name() -> None:
    """Also where two carry the same message; those that have ended are left alone."""
    listed = [RemoteBuild("b3", "IN_QUEUE"), RemoteBuild("b2", "ERRORED"), RemoteBuild("b1", "IN_PROGRESS")]
    eas = FakeEas({"ios": listed})
    ended = cancel_remote(attempt(eas, PLATFORM="ios"))
    assert eas.canceled == ["b3", "b1"]
    assert ended.failure is None
    assert "ios build b3 was canceled on EAS (it is PENDING_CANCEL)" in ended.said


def test_one_platforms_failure_does_not_spare_the_other() -> None:
    """Both are tried; what could not be cancelled is named, and decides the command's exit code."""
    eas = FakeEas({"ios": [RemoteBuild("i", "NEW")], "android": [RemoteBuild("a", "NEW")]}, refuses="i")
    ended = cancel_remote(attempt(eas))
    assert eas.canceled == ["a"]
    assert ended.failure is not None
    assert (ended.failure.reason, ended.failure.retryable) == ("PermissionDenied", False)
    assert "could not be canceled (no permission)" in ended.said
    assert "android build a was canceled" in ended.said


def test_a_build_whose_creation_was_interrupted_is_looked_for_twice() -> None:
    """The request may still be on its way when the first look finds nothing."""
    eas = FakeEas({"ios": [RemoteBuild("b", "NEW")]}, late=1)
    interrupted = attempt(eas, PLATFORM="ios")
    interrupted.doing["ios"] = Step.CREATE_BUILD
    assert "ios build b was canceled" in cancel_remote(interrupted).said


def test_what_was_not_started_is_not_cancelled() -> None:
    """No build on EAS: one sentence, and success."""
    ended = cancel_remote(attempt(FakeEas()))
    assert (ended.said, ended.failure) == ("there was nothing to cancel on EAS", None)


def test_cancelling_has_its_time() -> None:
    """It ends before the pod is killed, so that the report is still written."""
    with pytest.raises(OutOfTime), _time_limit(0.05):
        until(lambda: False, seconds=30, what="never")


QUEUED = RemoteBuild("b", "IN_QUEUE")
FACTS = PlatformFacts("ios", submit=True, build=QUEUED)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (QUEUED, "ios build b is IN_QUEUE at EAS"),
        (replace(QUEUED, queue_position=3), "ios build b is IN_QUEUE at EAS, position 3"),
        (replace(QUEUED, queue_position=0, wait_seconds=10), "ios build b is IN_QUEUE at EAS, position 0, about 1 min"),
        (
            replace(QUEUED, queue_position=3, wait_seconds=310),
            "ios build b is IN_QUEUE at EAS, position 3, about 5 min",
        ),
        (replace(QUEUED, status="FINISHED"), "ios build b is FINISHED"),
    ],
)
def test_the_sentence_says_where_a_build_stands(build: RemoteBuild, words: str) -> None:
    """EAS's status, and while it is queued its position and guess."""
    assert sentence({"ios": replace(FACTS, build=build)}, {}, {}) == words


def test_each_platform_has_its_own_part_of_the_sentence() -> None:
    """One fails while the other goes on, and both are told."""
    both = {"ios": FACTS, "android": replace(FACTS, platform="android")}
    assert sentence(both, {}, {"ios": REFUSED}) == "ios failed: PermissionDenied; android build b is IN_QUEUE at EAS"
