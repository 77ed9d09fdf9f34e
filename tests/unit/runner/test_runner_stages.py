"""A dependency's install script finds no credential, and nothing that it plants runs beside one.

The pod of the operator's own manifest runs as processes: what a container is given here is what the manifest gives it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from publishbuild.names import EXIT_DONE, EXIT_GIVE_UP, EXIT_RETRY
from publishbuild.runner.git import KEPT_COMMITS
from tests.support.staged_pod import CALLBACK_TOKEN, UID, Ended, StagedPod

HOSTILE = Path(__file__).with_name("hostile_npm.py")
EXPO, STORE, GIT, NPM = (f"canary-{name}-51d0" for name in ("expo", "store", "git", "npm"))
ONLY_FOR_OTHERS = (EXPO, STORE, GIT, CALLBACK_TOKEN)
STAGES = ["source", "dependencies", "runner"]

# As eas-cli does: asks git about the working copy, looks at what it is to build, prints JSON.
EAS = """#!/bin/sh
case "$1" in
  build:list|submit:list) echo '[]' ;;
  build)
    git status --porcelain >&2; git diff >&2; git log -1 --stat >&2; git stash list >&2; npm --version >&2
    git clone -q --depth=1 "file://$PWD" "$HOME/upload" >&2
    { env; pwd; } > "$SEEN/environment"; ls -A > "$SEEN/files"; cat eas.json > "$SEEN/eas.json"
    [ ! -e "$HOME/.npmrc" ] && [ ! -e "$HOME/.gitconfig" ] && touch "$SEEN/home-is-fresh"
    echo '[{"id": "b", "status": "FINISHED", "platform": "ANDROID"}]' ;;
  build:view) echo '{"id": "b", "status": "FINISHED", "platform": "ANDROID"}' ;;
esac
"""


EAS_THAT_HAS_BUILT_IOS = """#!/bin/sh
case "$*" in
  "build:list -p ios"*) echo 'FOUND' ;;
  build:list*) echo '[]' ;;
  "build -p android"*) echo '[{"id": "a", "status": "FINISHED", "platform": "ANDROID"}]' ;;
  "build:view i"*) echo '{"id": "i", "status": "FINISHED", "platform": "IOS"}' ;;
esac
"""


def git(folder: Path, *arguments: str) -> str:
    who = {f"GIT_{role}_{what}": "t@example.invalid" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **who}
    done = subprocess.run(("git", *arguments), cwd=folder, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


class World:
    """A repository whose dependency is hostile, a pretended eas-cli, and what they have left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ran, self.found, self.seen = folder / "ran", folder / "found", folder / "seen"
        self.origin = folder / "origin"
        for one in (self.seen, self.origin, self.origin / "packages" / "one", self.origin / "sub"):
            one.mkdir(parents=True)
        for name, text in {
            "eas.json": '{"build": {"production": {}}, "submit": {"production": {}}}',
            "app.json": '{"expo": {"plugins": ["./plugin"]}}',
            "package.json": "{}",
            "package-lock.json": "{}",
            ".gitignore": "node_modules/\nplugin/build/\n/found\n.npmrc\n.ssh/\n",
            "sub/file": "",
            "packages/one/index.js": "",
        }.items():
            (self.origin / name).write_text(text)
        (self.origin / "plugin").mkdir()
        (self.origin / "plugin" / "index.ts").write_text("")
        git(self.origin, "init", "-q", "-b", "main")
        self.commit()
        npm = program(folder / "bin" / "npm", f'#!/bin/sh\n[ "$1" != ci ] || exec {sys.executable} {HOSTILE}\n')
        self.image = {
            # As a careless image may have it: the working copy's own programs first.
            "PATH": f"node_modules/.bin:.:{folder}/volumes/workspace/source:{npm.parent}:{os.environ['PATH']}",
            "EAS_CLI": str(program(folder / "tool" / "eas-cli", EAS)),
            "RAN": str(self.ran),
            "FOUND": str(self.found),
            "SEEN": str(self.seen),
            "PUBLISHBUILD_POLL_SECONDS": "0.01",
        }

    def commit(self) -> str:
        git(self.origin, "add", ".")
        git(self.origin, "commit", "-q", "--allow-empty", "-m", "one")
        return git(self.origin, "rev-parse", "HEAD")

    def pod(self, **spec: Any) -> StagedPod:
        env = [
            {"name": "ASC_KEY", "valueFrom": {"secretKeyRef": {"name": "store", "key": "key"}}},
            {"name": "NPM_TOKEN", "valueFrom": {"secretKeyRef": {"name": "npm", "key": "token"}}}
            | {"stages": ["dependencies"]},
        ]
        given = {
            "source": {"git": {"url": self.origin.as_uri(), "secretRef": {"name": "git"}}},
            "platform": "android",
            "submit": {"enabled": False},
            "credentialsSecretRef": {"name": "expo"},
            "runner": {"env": env},
        }
        secrets = {
            "expo": {"EXPO_TOKEN": EXPO},
            "git": {"username": "bob", "password": GIT},
            "store": {"key": STORE},
            "npm": {"token": NPM},
        }
        return StagedPod(self.folder, given | spec, self.image, secrets, "http://127.0.0.1:9")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def names_and_codes(ended: list[Ended]) -> list[tuple[str, int]]:
    return [(one.name, one.exit_code) for one in ended]


def test_an_install_script_finds_no_credential_but_its_own(world: World) -> None:
    """In its variables, those of every process, and every file: only the registry's token that it was granted."""
    ended = world.pod().run()
    found = world.found.read_text()
    assert [word for word in ONLY_FOR_OTHERS if word in found] == []
    assert NPM in found
    assert names_and_codes(ended) == [(name, EXIT_DONE) for name in STAGES], ended[-1].output


def test_nothing_that_an_install_script_plants_is_run(world: World) -> None:
    """Hooks, git's settings and attributes, programs on PATH, a home: none runs where the token is."""
    ended = world.pod().run()
    assert not world.ran.exists(), world.ran.read_text()
    assert names_and_codes(ended) == [(name, EXIT_DONE) for name in STAGES], ended[-1].output
    assert (world.seen / "home-is-fresh").exists()


def test_the_runner_has_its_own_home_npmrc_and_path(world: World) -> None:
    """They lie where no install script writes, and PATH names no folder of the work volume."""
    world.pod().run()
    lines = (world.seen / "environment").read_text().splitlines()
    seen = dict(line.split("=", 1) for line in lines if "=" in line)
    workspace = str(world.folder / "volumes" / "workspace")
    for name in ("HOME", "NPM_CONFIG_USERCONFIG"):
        assert workspace not in seen[name], name
    assert all(part.startswith("/") and not part.startswith(workspace) for part in seen["PATH"].split(":"))
    assert seen["EXPO_TOKEN"] == EXPO
    assert not any("canary-git" in value or "canary-callback" in value for value in seen.values())


def test_the_runner_takes_over_what_was_installed_and_no_more(world: World) -> None:
    """Modules and what the source's own .gitignore names are there; every other file is as the commit has it."""
    world.pod().run()
    source = world.folder / "volumes" / "workspace" / "source"
    for path in ("node_modules/expo/package.json", "plugin/build/index.js", "packages/one/node_modules/x/index.js"):
        assert (source / path).is_file(), path
    files = set((world.seen / "files").read_text().split())
    committed = {path.name for path in world.origin.iterdir()}
    assert files - committed == {"node_modules", "found"}
    assert json.loads((world.seen / "eas.json").read_text())["build"] == {"production": {}}
    assert not (source / "sub" / ".git").exists()
    assert git(source, "-c", "core.fsmonitor=false", "status", "--porcelain") == ""


def test_no_key_of_git_is_left_for_a_later_stage(world: World) -> None:
    """Neither the password's helper nor a copy of an ssh key lies on the volume that the stages share."""
    pod = world.pod()
    source, *_ = pod.containers()
    pod.secrets = {**pod.secrets, "git": {"ssh-privatekey": f"{GIT}\n", "known_hosts": ""}}
    assert pod.run_container(source).exit_code == EXIT_DONE
    shared = world.folder / "volumes" / "workspace"
    left = [path for path in shared.rglob("*") if path.is_file() and GIT.encode() in path.read_bytes()]
    assert left == []
    assert not (shared / ".publishbuild").exists()


def test_an_app_without_dependencies_costs_no_copy(world: World) -> None:
    """Where no code of the app runs, nothing is installed, and the attempt goes its way."""
    (world.origin / "app.json").write_text("{}")
    world.commit()
    ended = world.pod().run()
    assert names_and_codes(ended) == [(name, EXIT_DONE) for name in STAGES], ended[-1].output
    assert not world.found.exists()
    assert list((world.folder / "volumes" / "workspace" / "dependencies" / "source").glob("*")) == []


@pytest.mark.parametrize(
    ("change", "name", "reason", "code"),
    [
        ({"profile": "no-such"}, "source", "InvalidConfiguration", EXIT_GIVE_UP),
        ({"platform": "ios", "submit": {"enabled": True}}, "source", "SubmitProfileIncomplete", EXIT_GIVE_UP),
    ],
)
def test_what_must_fail_fails_in_the_first_stage(
    world: World, change: dict[str, Any], name: str, reason: str, code: int
) -> None:
    """Before minutes are spent on an install, with the report in the container that failed."""
    ended = world.pod(**change).run()
    failure = ended[-1].result.failure
    assert failure is not None
    assert (names_and_codes(ended), failure.reason) == ([(name, code)], reason)
    assert ended[-1].result.commit


def test_a_failed_install_ends_the_attempt_before_the_token_is_there(world: World) -> None:
    """It is worth a retry, and the report with the log's tail is that of its own container."""
    program(world.folder / "bin" / "npm", "#!/bin/sh\necho npm error 404; exit 7\n")
    ended = world.pod().run()
    assert names_and_codes(ended) == [("source", EXIT_DONE), ("dependencies", EXIT_RETRY)]
    result = ended[-1].result
    assert result.failure is not None
    assert result.failure.reason == "InstallFailed"
    assert "npm error 404" in (result.log_tail or "")


def after_the_earlier_stages(world: World, then: str) -> tuple[Ended, str]:
    """The runner's container, once an earlier attempt has built iOS from the commit that is now ``then`` behind main.

    ``here``: it is among the commits that were fetched; ``far``: it is not.
    """
    first = git(world.origin, "rev-parse", "HEAD")
    for _ in range(2 if then == "here" else KEPT_COMMITS + 1):
        world.commit()
    found = {"id": "i", "status": "IN_PROGRESS", "platform": "IOS", "message": f"pb:{UID}:ios", "gitCommitHash": first}
    program(Path(world.image["EAS_CLI"]), EAS_THAT_HAS_BUILT_IOS.replace("FOUND", json.dumps([found])))
    (world.origin / "ios").mkdir()
    pod = world.pod(platform="all")
    source, dependencies, runner = pod.containers()
    assert pod.run_container(source).exit_code == EXIT_DONE
    # Whoever asks for no password is asked no more.
    world.origin.rename(world.folder / "private")
    assert pod.run_container(dependencies).exit_code == EXIT_DONE
    return pod.run_container(runner), first


def test_a_retry_goes_back_to_the_commit_of_the_first_attempt_without_a_password(world: World) -> None:
    """The branch has moved since, and the other platform is built from the commit that was fetched with it."""
    ended, first = after_the_earlier_stages(world, "here")
    assert (ended.exit_code, ended.result.commit) == (EXIT_DONE, first), ended.output
    assert [build.platform for build in ended.result.builds] == ["ios", "android"]


def test_a_commit_that_is_out_of_reach_is_named(world: World) -> None:
    """Two commits are not mixed in one release: the attempt ends, and says what to do."""
    ended, first = after_the_earlier_stages(world, "far")
    assert ended.exit_code == EXIT_GIVE_UP, ended.output
    assert ended.result.failure is not None
    assert ended.result.failure.reason == "SourceMoved"
    assert first in ended.result.failure.message


def test_publish_without_a_source_says_what_is_missing(world: World) -> None:
    """A pod that was put together by hand fails at once."""
    pod = world.pod()
    ended = pod.run_container(pod.containers()[-1])
    assert ended.exit_code == EXIT_GIVE_UP
    assert ended.result.failure is not None
    assert ended.result.failure.reason == "SourceNotFetched"


def test_an_attempt_in_one_container_keeps_its_token_from_install_scripts(world: World) -> None:
    """By hand, and in a tool's place, there is one container: scripts get no variable that is a secret."""
    pod = world.pod(runner={"command": ["python", "-m", "publishbuild.runner"]})
    (only,) = pod.containers()
    ended = pod.run_container(only)
    assert world.found.exists(), ended.output
    found = world.found.read_text().splitlines()[0]
    assert [word for word in (EXPO, STORE, GIT, CALLBACK_TOKEN) if word in found] == []


def test_another_process_of_the_same_user_cannot_read_the_runners_own() -> None:
    """Linux then lets nobody but root read its variables and memory in /proc."""
    asked = (
        "import ctypes; from publishbuild.runner.process import hide_from_children as hide; hide();"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    done = subprocess.run((sys.executable, "-c", asked), check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "0"
