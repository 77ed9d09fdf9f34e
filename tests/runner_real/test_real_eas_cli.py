"""The runner with the real eas-cli, the real git and a stand-in of Expo that counts what would be paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from publishbuild.names import EXIT_DONE
from tests.runner_real.attempts import Standins, environment_for, run_attempt

if TYPE_CHECKING:
    from pathlib import Path

# One at a time, so never under -n: EXPO_LOCAL nails eas-cli to port 3000.
pytestmark = pytest.mark.integration

CANARY = "canary-expo-token-93ab"


def test_both_platforms_are_built_and_submitted_and_a_second_attempt_pays_nothing(
    standins: Standins, eas_cli: Path, tmp_path: Path
) -> None:
    """One build and one submission per platform, all reported; the same uid again finds them and ends at once."""
    environment = environment_for(standins, eas_cli, tmp_path, "uid-all", EXPO_TOKEN=CANARY)
    ended = run_attempt(environment, tmp_path)
    assert ended.exit_code == EXIT_DONE, ended.output
    assert ended.result.failure is None
    assert ended.result.commit
    assert {build.platform: build.status for build in ended.result.builds} == {"ios": "FINISHED", "android": "FINISHED"}
    assert {item.platform: item.status for item in ended.result.submissions} == {
        "ios": "FINISHED",
        "android": "FINISHED",
    }
    assert all(build.logs_url and build.artifact_url and build.app_version for build in ended.result.builds)
    assert {build["gitCommitHash"] for build in standins.get("builds")} == {ended.result.commit}
    assert CANARY not in ended.output + ended.result.to_message()

    again = run_attempt(environment, tmp_path)
    assert again.exit_code == EXIT_DONE
    assert again.result == ended.result
    once = {"pb:uid-all:ios": 1, "pb:uid-all:android": 1}
    counts = standins.get("counts")
    assert counts["buildsByMessage"] == once
    assert counts["submissionsByMessage"] == once
