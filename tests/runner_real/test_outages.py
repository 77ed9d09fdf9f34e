"""EAS is out of reach, or its answers are lost, at each step: one build, one submission, always."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from publishbuild.names import EXIT_DONE, EXIT_RETRY
from tests.runner_real.attempts import Standins, environment_for, run_attempt

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

READS = ("CurrentUser", "ViewBuildsOnApp", "BuildsByIdQuery", "GetAllSubmissionsForApp")
# In the order in which they strike: each creation fails once, and then its answer is lost once.
CREATIONS = (
    {"operation": "upload", "kind": "status", "times": 1},
    {"operation": "CreateAndroidBuildMutation", "kind": "status", "times": 1},
    {"operation": "CreateAndroidBuildMutation", "kind": "drop-after", "times": 1},
    {"operation": "CreateAndroidSubmissionMutation", "kind": "status", "times": 1},
    {"operation": "CreateAndroidSubmissionMutation", "kind": "drop-after", "times": 1},
)


def test_one_attempt_survives_an_outage_at_every_read(standins: Standins, eas_cli: Path, tmp_path: Path) -> None:
    """502 for seconds at each read costs time and no attempt (unit tests try the default's sixty seconds)."""
    standins.fail(*({"operation": name, "kind": "status", "seconds": 1.5} for name in READS))
    standins.post("settings", {"stages": {"in_progress": 2}})
    environment = environment_for(standins, eas_cli, tmp_path, "uid-reads", PUBLISHBUILD_PLATFORM="android")
    ended = run_attempt(environment, tmp_path)
    assert ended.exit_code == EXIT_DONE, ended.output
    assert standins.paid() == (1, 1)
    assert standins.get("counts")["struck"] >= len(READS)


def test_a_creation_that_fails_or_loses_its_answer_is_paid_once(
    standins: Standins, eas_cli: Path, tmp_path: Path
) -> None:
    """Each one ends its attempt, worth a retry; the next looks first. What took effect is not made a second time.

    The real eas-cli would send the creation of a submission again by itself; that it does not is tried here too.
    """
    standins.fail(*CREATIONS)
    environment = environment_for(standins, eas_cli, tmp_path, "uid-creations", PUBLISHBUILD_PLATFORM="android")
    reasons = []
    for _ in range(len(CREATIONS) + 1):
        ended = run_attempt(environment, tmp_path)
        if ended.exit_code == EXIT_DONE:
            break
        assert ended.exit_code == EXIT_RETRY, ended.output
        reasons.append(ended.reason)
    assert ended.exit_code == EXIT_DONE, ended.output
    assert reasons == ["UploadFailed", "ServiceUnavailable", "NetworkError", "ServiceUnavailable", "NetworkError"]
    assert standins.paid() == (1, 1)
    assert standins.get("counts")["struck"] == len(CREATIONS)
