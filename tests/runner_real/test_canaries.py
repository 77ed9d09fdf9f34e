"""Secret values are nowhere but where they are used: the real git and eas-cli, and an app that tells all it knows."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.runner_real.attempts import STAGES, Standins, environment_for, run_attempt
from tests.standins.git_server import EXAMPLE_APP

pytestmark = pytest.mark.integration

CANARIES = {
    "EXPO_TOKEN": "canary-expo-93ab",
    "ASC_KEY": "-----BEGIN PRIVATE KEY-----\nMIIcanaryAAAAAAAAAA\nMIIcanaryBBBBBBBBBB\n-----END PRIVATE KEY-----\n",
    "FLAVOR": "can7",
}
# Prints its environment at every command of eas-cli, and a token that it has from somewhere else.
TELLS_ALL = """
console.error(JSON.stringify(process.env));
for (const value of Object.values(process.env)) console.error(value);
console.error('fetching https://bob:canary-url-pw@host.example/x with Bearer canary-bearer-token');
module.exports = ({ config }) => config;
"""


def test_no_secret_is_left_behind(standins: Standins, eas_cli: Path, tmp_path: Path) -> None:
    """Log, progress, report and all that EAS was told beside the token's own header hold no canary."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "username").write_text("bob")
    (secret / "password").write_text("canary-git-password")
    environment = environment_for(
        standins,
        eas_cli,
        tmp_path,
        "uid-hidden",
        PUBLISHBUILD_PLATFORM="android",
        PUBLISHBUILD_INSTALL="never",
        PUBLISHBUILD_SOURCE_URL=_repository(tmp_path / "app"),
        PUBLISHBUILD_SOURCE_SECRET_DIR=str(secret),
        PUBLISHBUILD_PLAIN_ENV="EXPO_LOCAL",
        **CANARIES,
    )
    stages = dict.fromkeys(STAGES, 0)
    standins.post(
        "settings", {"stages": stages, "nextOutcomes": ["ERRORED"]}
    )  # so that the log's tail is left behind as well
    ended = run_attempt(environment, tmp_path)
    assert ended.reason == "BuildErrored", ended.output
    assert "with Bearer ***" in ended.output, "the app did not tell"
    left = {
        "the log": ended.output,
        "the report": (tmp_path / "termination-log").read_text(),
        "EAS": json.dumps(standins.get("requests")),
    }
    for where, text in left.items():
        for canary in ("canary", *CANARIES.values()):
            assert canary not in text, where


def _repository(folder: Path) -> str:
    folder.mkdir()
    for file in EXAMPLE_APP.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "app.config.js").write_text(TELLS_ALL)
    who = ("-c", "user.name=t", "-c", "user.email=t@example.invalid")
    for command in (("init", "-q", "-b", "main"), ("add", "."), (*who, "commit", "-q", "-m", "one")):
        subprocess.run(("git", *command), cwd=folder, check=True)
    return folder.as_uri()
