"""A cancelled build is cancelled on EAS; a drained pod's build goes on there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from publishbuild.names import EXIT_DONE, EXIT_GIVE_UP, EXIT_RETRY
from tests.runner_real.attempts import (
    Ended,
    Standins,
    end_of,
    environment_for,
    kill_pod,
    run_attempt,
    start_attempt,
)
from tests.support.callback_server import CallbackServer
from tests.support.waiting import until

pytestmark = pytest.mark.integration


@pytest.fixture
def operator() -> Iterator[CallbackServer]:
    """An operator that knows of no reason to stop anything."""
    with CallbackServer() as running:
        yield running


def _forever(standins: Standins) -> None:
    standins.post("settings", {"stages": {"in_queue": 3600}})


def _statuses(standins: Standins) -> set[str]:
    return {build["status"] for build in standins.get("builds")}


def test_a_cancelled_build_is_cancelled_on_eas_for_both_platforms(
    standins: Standins, eas_cli: Path, tmp_path: Path, operator: CallbackServer
) -> None:
    """On SIGTERM the pod of a cancelled build cancels both, names them, and asks for no other pod."""
    _forever(standins)
    environment = environment_for(standins, eas_cli, tmp_path, "uid-cancel", **operator.environment)
    runner = start_attempt(environment)
    until(lambda: len(standins.get("builds")) == 2, seconds=120, what="both builds are there")
    operator.reasons = ["stopped by spec.cancel"]
    runner.terminate()
    ended = end_of(runner, tmp_path)
    _is_cancelled(ended)
    assert _statuses(standins) == {"CANCELED"}
    assert {build.status for build in ended.result.builds} == {"CANCELED"}
    assert all(build["id"] in str(ended.result.message) for build in standins.get("builds"))
    told = [report.message or "" for report in ended.progress]
    assert any('"message":"ios build' in report for report in operator.reports), operator.reports
    assert any("IN_QUEUE at EAS, position 1, about 60 min" in message for message in told), told
    assert len(set(ended.progress_lines)) == len(ended.progress_lines)


def test_a_build_whose_creation_was_interrupted_is_looked_for_and_cancelled(
    standins: Standins, eas_cli: Path, tmp_path: Path, operator: CallbackServer
) -> None:
    """SIGTERM comes while the answer with the build's id is on its way: it is found and cancelled."""
    _forever(standins)
    standins.fail({"operation": "CreateAndroidBuildMutation", "kind": "hold-after"})
    given = {"PUBLISHBUILD_PLATFORM": "android", **operator.environment}
    runner = start_attempt(environment_for(standins, eas_cli, tmp_path, "uid-inflight", **given))
    standins.wait_until_held("CreateAndroidBuildMutation")
    operator.reasons = [None, "", "the build was deleted"]  # its watch may be later than the signal
    runner.terminate()
    _is_cancelled(end_of(runner, tmp_path))
    assert _statuses(standins) == {"CANCELED"}


def test_a_drained_pods_build_goes_on_and_the_cancel_command_ends_it(
    standins: Standins, eas_cli: Path, tmp_path: Path, operator: CallbackServer
) -> None:
    """SIGTERM without a reason leaves the build alone; the command in a pod of its own cancels it, also twice."""
    _forever(standins)
    given = {"PUBLISHBUILD_PLATFORM": "android", **operator.environment}
    environment = environment_for(standins, eas_cli, tmp_path, "uid-drain", **given)
    runner = start_attempt(environment)
    until(lambda: standins.get("builds"), seconds=60, what="the build is there")
    runner.terminate()
    ended = end_of(runner, tmp_path)
    assert (ended.exit_code, ended.reason) == (EXIT_RETRY, "Terminated"), ended.output
    assert _statuses(standins) == {"IN_QUEUE"}

    done = run_attempt(environment, tmp_path, "cancel")
    assert done.exit_code == EXIT_DONE, done.output
    assert [build.status for build in done.result.builds] == ["CANCELED"]
    assert "was canceled on EAS" in str(done.result.message)
    again = run_attempt(environment, tmp_path, "cancel")
    assert (again.exit_code, again.result.message) == (EXIT_DONE, "there was nothing to cancel on EAS")
    assert standins.get("counts")["canceledBuilds"] == 1
    assert standins.paid() == (1, 0)


def test_a_submission_on_its_way_is_cancelled_too(standins: Standins, eas_cli: Path, tmp_path: Path) -> None:
    """A pod that was killed while the store's queue was long: the command stops the submission."""
    standins.post("settings", {"stages": {"submission_in_queue": 3600}})
    environment = environment_for(standins, eas_cli, tmp_path, "uid-sub", PUBLISHBUILD_PLATFORM="android")
    runner = start_attempt(environment)
    until(lambda: standins.paid() == (1, 1), seconds=90, what="the submission is there")
    kill_pod(runner)
    done = run_attempt(environment, tmp_path, "cancel")
    assert done.exit_code == EXIT_DONE, done.output
    assert [item.status for item in done.result.submissions] == ["CANCELED"]
    assert standins.get("counts")["canceledSubmissions"] == 1


def _is_cancelled(ended: Ended) -> None:
    assert (ended.exit_code, ended.reason) == (EXIT_GIVE_UP, "Cancelled"), ended.output
    assert "was canceled on EAS" in str(ended.result.message)
