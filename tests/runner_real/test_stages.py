"""The stages of an attempt with the real git, npm and eas-cli, and a dependency whose script takes what it finds."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.runner_real.attempts import STAGES, Standins
from tests.standins.git_server import EXAMPLE_APP, PRIVATE, REPOSITORY
from tests.standins.run_with_forwarder import DEFAULTS
from tests.support.staged_pod import CALLBACK_TOKEN, StagedPod

pytestmark = pytest.mark.integration

EXPO, STORE, GIT, REGISTRY = (f"canary-{name}-7c1e" for name in ("expo", "store", "git", "registry"))
# Takes its variables, those of every process, and all files of its user's home and of the volumes that it sees.
TAKES_ALL = """
const fs = require('fs'), path = require('path');
const said = [JSON.stringify(process.env)];
const read = (file) => { try { said.push(fs.readFileSync(file, 'latin1')); } catch { /* not ours */ } };
for (const pid of fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
  read(`/proc/${pid}/environ`);
  read(`/proc/${pid}/cmdline`);
}
const walk = (folder) => {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const here = path.join(folder, entry.name);
    if (entry.isDirectory()) walk(here); else if (entry.isFile()) read(here);
  }
};
for (const folder of [process.env.HOME, ...process.env.THE_POD_SEES.split(':')]) walk(folder);
fs.writeFileSync(process.env.FOUND, said.join('\\n'));
"""
DYNAMIC_CONFIG = "const taken = require('taker'); module.exports = ({ config }) => ({ ...config, ...taken });"


def test_a_dependencys_script_finds_no_credential(standins: Standins, eas_cli: Path, tmp_path: Path) -> None:
    """It finds its registry's token and no other, and the attempt builds with what was installed."""
    standins.post("settings", {"stages": dict.fromkeys(STAGES, 0)})
    found = tmp_path / "found"
    image = {name: value for name, value in DEFAULTS.items() if name != "EXPO_TOKEN"} | {
        "PATH": os.environ["PATH"],
        "EAS_CLI": str(eas_cli),
        "FOUND": str(found),
        "PUBLISHBUILD_POLL_SECONDS": "0.2",
    }
    token = {"name": "REGISTRY_TOKEN", "valueFrom": {"secretKeyRef": {"name": "npm", "key": "token"}}}
    pod = StagedPod(
        tmp_path,
        {
            "source": {"git": {"url": _repository(tmp_path / "app"), "secretRef": {"name": "git"}}},
            "platform": "android",
            "submit": {"enabled": False},
            "credentialsSecretRef": {"name": "expo"},
            "runner": {"env": [token | {"stages": ["dependencies"]}]},
        },
        image,
        {
            "expo": {"EXPO_TOKEN": EXPO, "ASC_KEY": STORE},
            "git": {"username": "bob", "password": GIT},
            "npm": {"token": REGISTRY},
        },
        "http://127.0.0.1:9",
    )
    ended = pod.run()
    taken = found.read_text(encoding="latin1")
    assert [word for word in (EXPO, STORE, GIT, CALLBACK_TOKEN) if word in taken] == []
    assert REGISTRY in taken
    assert [(one.name, one.exit_code) for one in ended] == [("source", 0), ("dependencies", 0), ("runner", 0)], ended[
        -1
    ].output
    assert standins.paid() == (1, 0)
    assert ended[-1].result.builds[0].status == "FINISHED"


def test_a_private_source_is_built_where_its_password_is_not(standins: Standins, eas_cli: Path, tmp_path: Path) -> None:
    """Only the first container can open the repository; the last one builds and submits from what that one left."""
    standins.post("settings", {"stages": dict.fromkeys(STAGES, 0)})
    image = {**DEFAULTS, "PATH": os.environ["PATH"], "EAS_CLI": str(eas_cli), "PUBLISHBUILD_POLL_SECONDS": "0.2"}
    url = f"https://localhost:{standins.https_port}/private/{REPOSITORY}"
    user, password = PRIVATE
    pod = StagedPod(
        tmp_path,
        {"source": {"git": {"url": url, "secretRef": {"name": "git"}}}, "platform": "android"},
        image | {"GIT_SSL_CAINFO": str(standins.certificate)},
        {"git": {"username": user, "password": password}},
    )
    ended = pod.run()
    assert [one.exit_code for one in ended] == [0, 0, 0], ended[-1].output
    assert standins.paid() == (1, 1)
    assert ended[-1].result.commit == ended[0].result.commit


def _repository(folder: Path) -> str:
    """The example app with a dynamic config that needs a package, and the package with its script."""
    folder.mkdir()
    for file in EXAMPLE_APP.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    package = folder / "taker"
    package.mkdir()
    (package / "index.js").write_text("module.exports = {};")
    (package / "take.js").write_text(TAKES_ALL)
    (package / "package.json").write_text(
        json.dumps({"name": "taker", "version": "1.0.0", "scripts": {"postinstall": "node take.js"}})
    )
    (folder / "package.json").write_text(
        json.dumps({"name": "app", "version": "1.0.0", "dependencies": {"taker": "file:./taker"}})
    )
    (folder / "app.config.js").write_text(DYNAMIC_CONFIG)
    (folder / ".gitignore").write_text("node_modules/\n")
    who = ("-c", "user.name=t", "-c", "user.email=t@example.invalid")
    commands: list[tuple[str, ...]] = [
        ("npm", "install", "--package-lock-only", "--offline", "--ignore-scripts"),
        ("git", "init", "-q", "-b", "main"),
        ("git", "add", "."),
        ("git", *who, "commit", "-q", "-m", "one"),
    ]
    for command in commands:
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder.as_uri()
