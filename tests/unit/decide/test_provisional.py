"""What a pod says while it runs is shown, and stays only where the pod's own last word says it too."""

from __future__ import annotations

from typing import Any

import pytest

from publishbuild.decide.next_actions import next_actions
from publishbuild.models.status import PublishBuildStatus
from publishbuild.runner.result import RunResult
from tests.builders import COMMIT, Object, a_build, a_job, a_message, a_pod, facts, reported, with_status

FORGED = "f" * 40
FORGERY = RunResult.from_message(a_message(commit=FORGED, ids="forged"))


def looked_at(build: Object, **look: Any) -> Object:
    """The build after one look at it."""
    status = reported(next_actions(facts(build, **look)))
    return build if status is None else with_status(build, status)


def status_of(build: Object) -> PublishBuildStatus:
    return PublishBuildStatus.model_validate(build["status"])


@pytest.fixture
def running() -> Object:
    """A build whose first attempt has reported on its way."""
    return looked_at(a_build(), job=a_job(), pods=[a_pod()], progress=FORGERY)


def said(build: Object) -> tuple[str | None, list[str], list[str]]:
    """Commit, ids of EAS builds, ids of submissions."""
    status = status_of(build)
    commit = status.source.commit if status.source else None
    return commit, [one.id for one in status.builds], [one.id for one in status.submissions]


SAID_BY_FORGERY = (FORGED, ["build-forged"], ["submission-forged"])
NOTHING: tuple[None, list[str], list[str]] = (None, [], [])


def test_it_is_shown_while_the_pod_runs(running: Object) -> None:
    """Commit, builds and submissions of a report are in the status, which names them as that pod's alone."""
    assert said(running) == SAID_BY_FORGERY
    provisional = status_of(running).provisional
    assert provisional is not None
    assert provisional.pod == a_pod()["metadata"]["name"]
    assert set(provisional.fields) == {"source", "builds", "submissions"}


ENDS = [
    pytest.param({"job": a_job(complete=True), "pods": [a_pod(exit_code=0)]}, id="published, and said nothing"),
    pytest.param({"job": a_job(complete=True), "pods": [a_pod(exit_code=0, message="bye")]}, id="no report"),
    pytest.param({"job": a_job(failed="BackoffLimitExceeded"), "pods": [a_pod(exit_code=1)]}, id="failed"),
    pytest.param({"job": a_job(failed="DeadlineExceeded"), "pods": [a_pod()]}, id="the pod's end is not seen yet"),
    pytest.param({"job": a_job(failed="DeadlineExceeded"), "pods": []}, id="the pod is gone"),
    pytest.param({"job": None, "pods": []}, id="the Job is gone"),
    pytest.param({"job": a_job(), "pods": [a_pod(exit_code=1)]}, id="the attempt has ended"),
    pytest.param({"job": a_job(), "pods": [a_pod(exit_code=1), a_pod(2)]}, id="another attempt runs"),
]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("still_told", [FORGERY, None])
def test_it_does_not_outlive_the_pod(running: Object, end: dict[str, Any], still_told: RunResult | None) -> None:
    """Nothing that only a report on the way said is in the status once that attempt has ended."""
    heard = None if end["job"] and len(end["pods"]) > 1 else still_told
    after = looked_at(running, **end, progress=heard)
    assert said(after) == NOTHING
    assert status_of(after).provisional is None


def test_the_last_word_stays(running: Object) -> None:
    """What the pod's termination message says is what stays, over whatever was reported before."""
    pods = [a_pod(exit_code=0, message=a_message(ids="real"))]
    after = looked_at(running, job=a_job(complete=True), pods=pods, progress=FORGERY)
    assert said(after) == (COMMIT, ["build-real"], ["submission-real"])
    assert status_of(after).provisional is None


def test_an_earlier_attempts_word_comes_back() -> None:
    """What an attempt that ended has said is there again when the report that stood over it goes."""
    first = a_pod(exit_code=1, message=a_message(ids="1"))
    build = looked_at(a_build(), job=a_job(), pods=[first, a_pod(2)], progress=FORGERY)
    assert said(build) == SAID_BY_FORGERY
    build = looked_at(build, job=a_job(failed="BackoffLimitExceeded"), pods=[first, a_pod(2, exit_code=1)])
    assert said(build) == (COMMIT, ["build-1"], ["submission-1"])


def test_a_new_leader_shows_it_until_it_hears_more(running: Object) -> None:
    """A leader that has not heard the pod yet leaves what its predecessor has heard."""
    after = looked_at(running, job=a_job(version=201), pods=[a_pod()], progress=None)
    assert said(after) == SAID_BY_FORGERY


def test_what_was_confirmed_is_not_provisional() -> None:
    """A report that says what an attempt that ended has said adds nothing that could go."""
    first = a_pod(exit_code=1, message=a_message(ids="1"))
    same = RunResult.from_message(a_message(ids="1"))
    build = looked_at(a_build(), job=a_job(), pods=[first, a_pod(2)], progress=same)
    assert status_of(build).provisional is None
