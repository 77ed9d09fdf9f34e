"""Any tool may stand in the runner's place: the worked example keeps the protocol, run as its pod would run it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from publishbuild.models.spec import PublishBuildSpec
from publishbuild.names import EXIT_DONE, EXIT_GIVE_UP, EXIT_RETRY
from publishbuild.runner.result import RunResult

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "other-tools"
WHO = {f"GIT_{role}_{what}": "t@example.invalid" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
BUILD = "#!/bin/sh\nmkdir public\necho built > public/index.html\n"


def spec(name: str) -> PublishBuildSpec:
    return PublishBuildSpec.model_validate(yaml.safe_load((EXAMPLES / name).read_text())["spec"])


@dataclass
class Ended:
    exit_code: int
    output: str
    result: RunResult


@dataclass
class Site:
    """A bare repository that the example publishes to, and the pod's folders."""

    folder: Path

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **WHO}
        done = subprocess.run(
            ("git", *arguments),
            cwd=cwd or self.folder / "origin.git",
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def make(self, script: str = BUILD) -> None:
        work = self.folder / "author"
        work.mkdir()
        (work / "build.sh").write_text(script)
        (work / "build.sh").chmod(0o755)
        self.git("init", "-q", "--bare", "-b", "main", "origin.git", cwd=self.folder)
        for command in ("init -q -b main", "add .", "commit -q -m one", "push -q ../origin.git main"):
            self.git(*command.split(), cwd=work)

    def attempt(self, **environment: str) -> Ended:
        """Run the manifest's command with the environment that a pod gets."""
        runner = spec("site-with-a-shell-script.yaml").runner
        given = {
            "PATH": os.environ["PATH"],
            "PUBLISHBUILD_UID": "uid-1",
            "PUBLISHBUILD_SOURCE_URL": (self.folder / "origin.git").as_uri(),
            "PUBLISHBUILD_SOURCE_REVISION": "main",
            "PUBLISHBUILD_SOURCE_PATH": ".",
            "PUBLISHBUILD_WORKDIR": str(self.folder / "workspace"),
            "PUBLISHBUILD_TERMINATION_LOG": str(self.folder / "termination-log"),
        }
        (self.folder / "workspace").mkdir(exist_ok=True)
        command = (*(runner.command or ()), *(runner.args or ()))
        done = subprocess.run(command, env=given | environment, check=False, capture_output=True, text=True, timeout=60)
        result = RunResult.from_message((self.folder / "termination-log").read_text())
        assert result is not None, done.stderr
        return Ended(done.returncode, done.stdout, result)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.mark.parametrize("name", sorted(file.name for file in EXAMPLES.glob("*.yaml")))
def test_each_example_is_a_valid_build(name: str) -> None:
    """What the API server would refuse is no example."""
    assert spec(name).runner.command


def test_the_shell_example_publishes_once_and_reports(site: Site) -> None:
    """It builds, publishes, tells its progress and its commit; a second attempt of the same build pushes nothing."""
    site.make()
    ended = site.attempt()
    assert ended.exit_code == EXIT_DONE, ended.output
    assert ended.result.commit == site.git("rev-parse", "main")
    assert site.git("show", "published:index.html") == "built"
    told = [RunResult.from_progress(line) for line in ended.output.splitlines()]
    assert [report.message for report in told if report] == ["build.sh runs", "the site is published"]
    published = site.git("rev-parse", "published")

    again = site.attempt()
    assert (again.exit_code, again.result.message) == (EXIT_DONE, "an earlier attempt has published it")
    assert site.git("rev-parse", "published") == published

    other = site.attempt(PUBLISHBUILD_UID="uid-2")
    assert other.exit_code == EXIT_DONE
    assert site.git("rev-parse", "published^") == published


@pytest.mark.parametrize(
    ("script", "environment", "exit_code", "reason"),
    [
        ("#!/bin/sh\nexit 3\n", {}, EXIT_GIVE_UP, "BuildErrored"),
        ("#!/bin/sh\n", {}, EXIT_GIVE_UP, "BuildErrored"),
        (BUILD, {"PUBLISHBUILD_SOURCE_REVISION": "nope"}, EXIT_GIVE_UP, "SourceRevisionNotFound"),
        (BUILD, {"PUBLISHBUILD_SOURCE_PATH": "nope"}, EXIT_GIVE_UP, "SourcePathNotFound"),
        (BUILD, {"PUBLISHBUILD_SOURCE_URL": "file:///nowhere"}, EXIT_RETRY, "SourceFailed"),
    ],
)
def test_the_shell_example_tells_a_lasting_failure_from_a_passing_one(
    site: Site, script: str, environment: dict[str, str], exit_code: int, reason: str
) -> None:
    """Its exit code decides over another pod, and its report says why."""
    site.make(script)
    ended = site.attempt(**environment)
    assert ended.result.failure is not None
    assert (ended.exit_code, ended.result.failure.reason) == (exit_code, reason)
