"""A cancelled build is cancelled on EAS; a drained pod's build goes on there."""

from __future__ import annotations

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
from tests.support.waiting import until

pytestmark = pytest.mark.integration

MARK = 'kubernetes.io/config.seen="2025-01-01T00:00:00Z"\npublishbuild.dev/cancel="true"\n'


@pytest.fixture
def podinfo(tmp_path: Path) -> Path:
    """The folder that the kubelet writes the pod's annotations into; without the mark."""
    folder = tmp_path / "podinfo"
    folder.mkdir()
    (folder / "annotations").write_text('kubernetes.io/config.seen="2025-01-01T00:00:00Z"\n')
    return folder


def _forever(standins: Standins) -> None:
    standins.post("settings", {"stages": {"in_queue": 3600}})


def _statuses(standins: Standins) -> set[str]:
    return {build["status"] for build in standins.get("builds")}


def test_the_mark_alone_cancels_what_both_platforms_have_started(
    standins: Standins, eas_cli: Path, tmp_path: Path, podinfo: Path
) -> None:
    """Without any signal the marked pod cancels both builds, names them, and asks for no other pod."""
    _forever(standins)
    environment = environment_for(standins, eas_cli, tmp_path, "uid-mark", PUBLISHBUILD_PODINFO_DIR=str(podinfo))
    runner = start_attempt(environment)
    until(lambda: len(standins.get("builds")) == 2, seconds=120, what="both builds are there")
    (podinfo / "annotations").write_text(MARK)
    ended = end_of(runner, tmp_path)
    _is_cancelled(ended)
    assert _statuses(standins) == {"CANCELED"}
    assert {build.status for build in ended.result.builds} == {"CANCELED"}
    assert all(build["id"] in str(ended.result.message) for build in standins.get("builds"))
    told = [report.message or "" for report in ended.progress]
    assert any("IN_QUEUE at EAS, position 1, about 60 min" in message for message in told), told
    assert len(set(ended.progress_lines)) == len(ended.progress_lines)


def test_a_build_whose_creation_was_interrupted_is_looked_for_and_cancelled(
    standins: Standins, eas_cli: Path, tmp_path: Path, podinfo: Path
) -> None:
    """SIGTERM and mark come while the answer with the build's id is on its way: the build is found and cancelled."""
    _forever(standins)
    standins.fail({"operation": "CreateAndroidBuildMutation", "kind": "hold-after"})
    given = {"PUBLISHBUILD_PLATFORM": "android", "PUBLISHBUILD_PODINFO_DIR": str(podinfo)}
    runner = start_attempt(environment_for(standins, eas_cli, tmp_path, "uid-inflight", **given))
    standins.wait_until_held("CreateAndroidBuildMutation")
    runner.terminate()
    (podinfo / "annotations").write_text(MARK)  # the kubelet may be later than the signal
    _is_cancelled(end_of(runner, tmp_path))
    assert _statuses(standins) == {"CANCELED"}


def test_a_drained_pods_build_goes_on_and_the_cancel_command_ends_it(
    standins: Standins, eas_cli: Path, tmp_path: Path, podinfo: Path
) -> None:
    """SIGTERM without a mark leaves the build alone; the command in a pod of its own cancels it, and may run twice."""
    _forever(standins)
    given = {"PUBLISHBUILD_PLATFORM": "android", "PUBLISHBUILD_PODINFO_DIR": str(podinfo)}
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
