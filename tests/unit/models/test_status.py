"""The status: its wire form, and that the runner's report fits it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import BaseModel

from publishbuild.models.base import rfc3339, rfc3339_micro
from publishbuild.models.status import (
    BuildStatus,
    Condition,
    FailedAttempt,
    PublishBuildStatus,
    QueueStatus,
    SubmissionStatus,
)
from publishbuild.runner.result import BuildResult, SubmissionResult

MOMENT = datetime(2025, 6, 1, 12, 0, 0, 123456, tzinfo=UTC)


def a_condition(status: str) -> Condition:
    return Condition.model_validate(
        {"type": "Succeeded", "status": status, "reason": "R", "lastTransitionTime": "2025-06-01T12:00:00Z"}
    )


def wire_names(model: type[BaseModel]) -> set[str]:
    return {str(field.alias) for field in model.model_fields.values()}


@pytest.mark.parametrize(
    ("report", "status"),
    [
        pytest.param(BuildResult, BuildStatus, id="builds"),
        pytest.param(SubmissionResult, SubmissionStatus, id="submissions"),
    ],
)
def test_the_runners_report_fits_the_status(report: type[BaseModel], status: type[BaseModel]) -> None:
    """What the runner reports and what the status shows have the same fields, by the same names."""
    assert wire_names(report) == wire_names(status)
    assert set(report.model_fields) == set(status.model_fields)
    required = {name for name, field in report.model_fields.items() if field.is_required()}
    assert required == {name for name, field in status.model_fields.items() if field.is_required()}


def test_a_full_report_loses_nothing() -> None:
    """Every field of a build's report arrives in the status."""
    report = BuildResult(
        platform="ios",
        id="1",
        status="FINISHED",
        logs_url="l",
        artifact_url="a",
        app_version="2",
        app_build_version="3",
    )
    shown = BuildStatus.model_validate(report.model_dump()).to_wire()
    assert shown == report.model_dump(by_alias=True)
    assert set(shown) == {
        "platform", "id", "status", "logsURL", "artifactURL", "appVersion", "appBuildVersion",
    }  # fmt: skip


def test_an_empty_status_is_empty() -> None:
    """Nothing known, nothing written: no nulls and no empty lists."""
    assert PublishBuildStatus().to_wire() == {}


def test_zero_and_no_are_kept() -> None:
    """Absent is not the same as 0, "" or false."""
    attempt = FailedAttempt(number=1, pod="p", exit_code=0, message="")
    assert attempt.to_wire() == {"number": 1, "pod": "p", "exitCode": 0, "message": ""}


def test_times_on_the_wire() -> None:
    """metav1.Time has whole seconds; the moment of entering the queue keeps its microseconds."""
    status = PublishBuildStatus(start_time=MOMENT, queue=QueueStatus(enqueued_time=MOMENT))
    assert status.to_wire() == {
        "startTime": "2025-06-01T12:00:00Z",
        "queue": {"enqueuedTime": "2025-06-01T12:00:00.123456Z"},
    }
    assert PublishBuildStatus.model_validate(status.to_wire()).queue == status.queue


def test_times_of_other_zones_are_written_in_utc() -> None:
    """Whatever zone a time is in, the wire has UTC."""
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=5)))
    assert rfc3339(elsewhere) == "2025-06-01T12:00:00Z"
    assert rfc3339_micro(elsewhere) == "2025-06-01T12:00:00.123456Z"


@pytest.mark.parametrize(
    ("status", "terminal"),
    [
        pytest.param(None, False, id="no condition"),
        pytest.param("Unknown", False, id="under way"),
        pytest.param("True", True, id="succeeded"),
        pytest.param("False", True, id="failed"),
    ],
)
def test_terminal_is_what_the_condition_says(status: str | None, terminal: bool) -> None:
    """Only the condition Succeeded says whether a build has ended; the phase is for people."""
    conditions = () if status is None else (a_condition(status),)
    assert PublishBuildStatus(conditions=conditions).is_terminal is terminal


def test_condition_by_type() -> None:
    """A condition is found by its type."""
    status = PublishBuildStatus(conditions=(a_condition("True"),))
    assert status.condition("Succeeded") is status.conditions[0]
    assert status.condition("Ready") is None
