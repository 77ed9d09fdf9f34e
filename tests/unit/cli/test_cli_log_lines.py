"""The log of an attempt as people read it."""

from __future__ import annotations

import json

import pytest

from publishbuild.cli.views.log_lines import attempt_logs, eas_links, header, kept_lines, readable
from publishbuild.decide.facts import PodFacts
from publishbuild.models.status import BuildStatus, FailedAttempt, Failure, PublishBuildStatus, SubmissionStatus
from publishbuild.runner.result import RunResult
from tests.builders import a_pod


def line(**fields: object) -> str:
    return json.dumps({"timestamp": "2026-03-02T09:30:12.402Z", "level": "info", "event": "step"} | fields)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (line(step="FindBuild", platform="ios"), "09:30:12  step step=FindBuild platform=ios"),
        (line(level="error", event="it failed", reason="Bad"), "09:30:12  ERROR it failed reason=Bad"),
        (line(event="npm notice", output=True), "09:30:12  npm notice"),
        (RunResult(message="fetching the source").to_progress(), None),
        ("plain words of another tool", "plain words of another tool"),
        ('{"its": "own JSON"}', '{"its": "own JSON"}'),
        ("{not JSON", "{not JSON"),
        ("", ""),
        ("\tat App.main(App.java:7)", "        at App.main(App.java:7)"),
        ('{"a":' * 100_000, '{"a":' * 100_000),
        ('{"a":' + "9" * 5_000 + "}", '{"a":' + "9" * 5_000 + "}"),
    ],
)
def test_lines_are_readable(written: str, shown: str | None) -> None:
    """The Expo runner's JSON becomes a sentence, progress for programs is left out, and nothing else is touched."""
    assert readable(written) == shown


def recorded(number: int, pod: str) -> FailedAttempt:
    return FailedAttempt(number=number, pod=pod, reason="NetworkError", message="no route")


def test_attempts_come_in_their_order_whether_their_pods_are_there_or_not() -> None:
    """Attempts on record come first, those that only their pods tell of after them, each once."""
    status = PublishBuildStatus(failed_attempts=(recorded(1, "gone"), recorded(2, "there")))
    pods = [PodFacts.read(a_pod(3, name="new")), PodFacts.read(a_pod(2, name="there", exit_code=1))]
    found = attempt_logs(status, pods)
    assert [(one.number, one.pod, one.is_there) for one in found] == [
        (1, "gone", False),
        (2, "there", True),
        (3, "new", True),
    ]
    assert header(found[0]) == "==> attempt 1, pod gone <=="


def test_a_pod_that_has_not_started_waits() -> None:
    """A pod whose container has not started has no log yet."""
    [one] = attempt_logs(PublishBuildStatus(), [PodFacts.read(a_pod(waiting="ContainerCreating"))])
    assert one.waits


def test_the_last_lines_of_a_pod_that_is_gone_are_kept() -> None:
    """Of the last attempt the saved tail is told, of an earlier one its reason."""
    failure = Failure(reason="BuildErrored", message="it failed", pod="last", log_tail="one\ntwo")
    status = PublishBuildStatus(failed_attempts=(recorded(1, "first"), recorded(2, "last")), failure=failure)
    first, last = attempt_logs(status, [])
    assert list(kept_lines(last, status))[1:] == ["one", "two"]
    assert list(kept_lines(first, status)) == ["(the pod is gone; it failed: NetworkError: no route)"]


def test_eas_has_the_rest_of_the_log() -> None:
    """The pages of builds and submissions are told, where they have one."""
    status = PublishBuildStatus(
        builds=(
            BuildStatus(platform="ios", id="7", status="FINISHED", logs_url="https://expo.dev/b/7"),
            BuildStatus(platform="android", id="8", status="NEW"),
        ),
        submissions=(SubmissionStatus(platform="ios", id="9", status="ERRORED", url="https://expo.dev/s/9"),),
    )
    assert list(eas_links(status)) == [
        "ios build 7 is FINISHED: https://expo.dev/b/7",
        "ios submission 9 is ERRORED: https://expo.dev/s/9",
    ]
