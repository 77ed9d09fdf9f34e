"""The pod is killed at each step, with either signal: one build, one submission, always."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from publishbuild.names import EXIT_DONE, EXIT_RETRY
from tests.runner_real.attempts import Standins, end_of, environment_for, kill_pod, run_attempt, start_attempt

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

# One step a request; the request is held, so the kill strikes exactly there. "hold" is before the request took
# effect, "hold-after" is after it, with the answer still under way.
STEPS = [
    ("ViewBuildsOnApp", "hold"),
    ("upload", "hold"),
    ("CreateAndroidBuildMutation", "hold"),
    ("CreateAndroidBuildMutation", "hold-after"),
    ("BuildsByIdQuery", "hold"),
    ("GetAllSubmissionsForApp", "hold"),
    ("CreateAndroidSubmissionMutation", "hold"),
    ("CreateAndroidSubmissionMutation", "hold-after"),
    ("GetAllSubmissionsForApp", "hold"),
]


# SIGTERM differs in what the attempt itself does before it ends, and that only matters while something is made.
CREATIONS = [step for step in STEPS if step[0].startswith("Create")]


@pytest.mark.parametrize(("kind", "steps"), [(signal.SIGKILL, STEPS), (signal.SIGTERM, CREATIONS)])
def test_a_pod_killed_at_each_step_pays_once(
    standins: Standins, eas_cli: Path, tmp_path: Path, kind: signal.Signals, steps: list[tuple[str, str]]
) -> None:
    """Attempts of one build, each killed one step further, and one that ends it: one build, one submission."""
    environment = environment_for(standins, eas_cli, tmp_path, f"uid-{kind}", PUBLISHBUILD_PLATFORM="android")
    finish_after = ("BuildsByIdQuery", "hold") if steps is STEPS else ("CreateAndroidBuildMutation", "hold-after")
    standins.post("settings", {"stages": {"in_progress": 3600}})
    for operation, when in steps:
        standins.fail({"operation": operation, "kind": when})
        runner = start_attempt(environment)
        standins.wait_until_held(operation)
        if kind is signal.SIGKILL:
            kill_pod(runner)
        else:
            runner.terminate()
            ended = end_of(runner, tmp_path)
            assert (ended.exit_code, ended.reason) == (EXIT_RETRY, "Terminated"), ended.output
        standins.post("release", {})
        if (operation, when) == finish_after:
            standins.post("finish", {})
    ended = run_attempt(environment, tmp_path)
    assert ended.exit_code == EXIT_DONE, ended.output
    assert standins.paid() == (1, 1)
    assert standins.get("counts")["canceledBuilds"] == 0
