"""The report of an attempt: it fits, it ends, it comes back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishbuild.printable import is_printable
from publishbuild.runner.result import (
    PROGRESS_BYTES,
    TERMINATION_MESSAGE_BYTES,
    BuildResult,
    FailureResult,
    RunResult,
    SubmissionResult,
)
from tests.support.hostile_texts import HOSTILE, unsafe

LONG = 'é\\"\n\u0001 x' * 2000

# Surrogates too: what a program prints need not be Unicode.
text = st.text(alphabet=st.characters(), max_size=60)
anything = text | st.builds(lambda part, times: part * times, text, st.sampled_from([1, 50, 400]))
builds = st.builds(
    BuildResult,
    platform=anything,
    id=anything,
    status=anything,
    logs_url=st.none() | anything,
    artifact_url=st.none() | anything,
)
results = st.builds(
    RunResult,
    commit=st.none() | anything,
    builds=st.lists(builds, max_size=3).map(tuple),
    submissions=st.lists(st.builds(SubmissionResult, platform=anything, id=anything, status=anything), max_size=3).map(
        tuple
    ),
    failure=st.none() | st.builds(FailureResult, reason=anything, message=anything),
    log_tail=st.none() | anything,
    message=st.none() | anything,
)


@given(results)
def test_any_report_fits_and_can_be_read_back(result: RunResult) -> None:
    """Whatever the fields hold, the message is at most 4,096 bytes and is a report again."""
    message = result.to_message()
    assert len(message.encode()) <= TERMINATION_MESSAGE_BYTES
    assert RunResult.from_message(message) is not None


@given(results)
def test_any_progress_is_one_short_line_and_can_be_read_back(result: RunResult) -> None:
    """Whatever the fields hold, the line with its mark is at most 3,500 bytes and is a report again."""
    line = result.to_progress()
    assert len(line.encode()) <= PROGRESS_BYTES
    assert is_printable(line)
    assert RunResult.from_progress(line) is not None


@pytest.mark.parametrize("name", HOSTILE)
def test_a_line_for_programs_is_exact_and_harms_no_terminal(name: str) -> None:
    """What `kubectl logs` shows of a report does nothing, and the report is the same once it is read."""
    result = RunResult(message=HOSTILE[name], log_tail=HOSTILE[name])
    assert unsafe(result.to_progress()) == []
    assert RunResult.from_progress(result.to_progress()) == result


def test_another_line_is_no_progress() -> None:
    """A line of the log without the mark is none, even where it is JSON."""
    assert RunResult.from_progress('{"commit": "c"}') is None


@pytest.mark.parametrize("field", ["commit", "log_tail", "message"])
def test_one_giant_field_does_not_hang_nor_raise(field: str) -> None:
    """A field of any size is given up in the end."""
    assert len(RunResult(**{field: LONG}).to_message().encode()) <= TERMINATION_MESSAGE_BYTES


def test_a_giant_reason_is_kept_at_its_start() -> None:
    """Even then a program can read a reason."""
    read = RunResult.from_message(RunResult(failure=FailureResult(reason="R" * 9000, message="m")).to_message())
    assert read is not None
    assert read.failure == FailureResult(reason="R" * 80, message="m")


def test_the_log_tail_goes_first_and_keeps_its_end() -> None:
    """What was printed last says why it failed, so the start of the tail is what goes."""
    build = BuildResult(platform="ios", id="b", status="ERRORED", logs_url="https://expo.dev/x")
    failure = FailureResult(reason="BuildErrored", message="m" * 500)
    result = RunResult(commit="c" * 40, builds=(build,), failure=failure, log_tail="old " * 2000 + "the last words")
    read = RunResult.from_message(result.to_message())
    assert read is not None
    assert (read.commit, read.builds, read.failure) == (result.commit, result.builds, result.failure)
    assert read.log_tail is not None
    assert read.log_tail.endswith("the last words")
    assert len(result.to_message().encode()) > TERMINATION_MESSAGE_BYTES - 8


def test_a_small_report_comes_back_unchanged() -> None:
    """Nothing is lost while there is room."""
    build = BuildResult(platform="ios", id="b", status="NEW", app_version="1", app_build_version="2")
    small = RunResult(commit="c", builds=(build,), failure=FailureResult(reason="R", message="m"), log_tail="tail")
    assert RunResult.from_message(small.to_message()) == small


@given(st.none() | st.text(alphabet=st.characters()) | st.text().map(lambda t: "{" + t))
def test_any_message_can_be_read(message: str | None) -> None:
    """Another tool's termination message is no report, and no error."""
    RunResult.from_message(message)


@pytest.mark.parametrize("message", [None, "", "OOM", "[1]", "{", '{"builds": 3}', "{" * 5000, '{"commit":"\ud800"}'])
def test_what_is_no_report_is_none(message: str | None) -> None:
    """Malformed and foreign messages give None."""
    assert RunResult.from_message(message) is None


def test_a_newer_runners_report_can_be_read() -> None:
    """Unknown keys are ignored."""
    assert RunResult.from_message('{"commit":"c","builds":[],"invented":{"later":1}}') == RunResult(commit="c")
