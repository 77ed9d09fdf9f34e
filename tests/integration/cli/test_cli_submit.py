"""`publishbuild submit` and `retry`, with the exit codes that scripts rely on."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.cli import Cli
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import Kube
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

GIT = ("--git-url", "https://git.example/acme/shop.git")
COMMIT = "9d3f0a8b1c2e4d5f6a7b8c9d0e1f2a3b4c5d6e7f"


def created(name: str) -> str:
    return f"publishbuild.publishbuild.dev/{name} created\n"


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one line with which it ended."""
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done
    return done.stderr


class TestExitCodes:
    """What `submit --wait` exits with; the build comes on standard input."""

    def test_0_is_success(self, cli: Cli, start_operator: StartOperator, manifest: Manifest) -> None:
        """A build that succeeds ends the command with 0; its name is the only output."""
        start_operator()
        done = cli("submit", "-f", "-", "--wait", stdin=json.dumps(manifest("app")))
        assert (done.returncode, done.stdout) == (0, created("app"))
        assert done.stderr.startswith("app Succeeded")

    def test_2_is_failure(self, cli: Cli, start_operator: StartOperator, manifest: Manifest) -> None:
        """A build that fails ends the command with 2 and says why."""
        start_operator()
        stdin = json.dumps(manifest("app", outcome="fail", pod={"exit-code": 64}))
        done = cli("submit", "-f", "-", "--wait", stdin=stdin)
        assert (done.returncode, done.stdout) == (2, created("app"))
        assert done.stderr.startswith("app Failed: PodFailurePolicy")

    def test_3_is_cancelled(self, cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
        """A build that somebody cancels meanwhile ends the command with 3."""
        start_operator()
        file = cli.folder / "build.yaml"
        file.write_text(json.dumps(manifest("app", outcome="hold")))
        waiting = cli.start("submit", "-f", str(file), "--wait")
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == created("app")  # the name comes first of all
        kube.wait_phase("app", "Running")
        kube.patch_spec("app", cancel=True)
        _, said = waiting.communicate(timeout=120)
        assert waiting.returncode == 3
        assert said.startswith("app Cancelled")

    def test_4_is_too_late(self, cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
        """A build that goes on for longer than --timeout ends the command with 4, and goes on."""
        start_operator()
        done = cli("submit", "-f", "-", "--wait", "--timeout", "1s", stdin=json.dumps(manifest("app", outcome="hold")))
        assert (done.returncode, done.stdout) == (4, created("app"))
        assert "app has not ended within 1s; it goes on" in done.stderr
        kube.wait_phase("app", "Running")

    def test_1_is_cannot_tell(self, cli: Cli, kube: Kube, manifest: Manifest) -> None:
        """A build that is deleted meanwhile ends the command with 1: nobody can tell how it would have ended."""
        file = cli.folder / "build.yaml"
        file.write_text(json.dumps(manifest("app")))
        waiting = cli.start("submit", "-f", str(file), "--wait")
        assert waiting.stdout is not None
        waiting.stdout.readline()
        kube.delete_build("app")
        _, said = waiting.communicate(timeout=120)
        assert waiting.returncode == 1
        assert "was deleted" in said or "not found" in said

    def test_watch_tells_each_change_and_exits_alike(
        self, cli: Cli, start_operator: StartOperator, manifest: Manifest
    ) -> None:
        """Without a terminal --watch writes a line for each change and ends with the build's exit code."""
        start_operator()
        stdin = json.dumps(manifest("app", outcome="fail", pod={"exit-code": 64}))
        done = cli("submit", "-f", "-", "--watch", stdin=stdin)
        first, *changes = done.stdout.splitlines(keepends=True)
        assert (done.returncode, first) == (2, created("app"))
        assert "app Failed" in changes[-1]
        assert len(set(changes)) == len(changes)


class TestFlags:
    def test_each_flag_reaches_the_spec(self, cli: Cli, kube: Kube) -> None:
        """What flags say is what the build asks for; durations are seconds there."""
        done = cli(
            "submit", *GIT, "--name", "app", "--revision", "v1", "--path", "apps/shop", "--git-secret", "deploy-key",
            "--platform", "ios", "--profile", "preview", "--no-submit", "--submit-profile", "store", "--priority", "-5",
            "--credentials", "expo", "--concurrency-key", "shop", "--cancel-previous", "--backoff-limit", "0",
            "--queue-timeout", "90m", "--run-timeout", "1h30m", "--suspend", "--label", "team=a", "--label", "app=shop",
        )  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr) == (0, created("app"), "")
        build = kube.build("app")
        assert build["metadata"]["labels"] == {"team": "a", "app": "shop"}
        expected: dict[str, Any] = {
            "platform": "ios", "profile": "preview", "submit": {"enabled": False, "profile": "store"}, "priority": -5,
            "credentialsSecretRef": {"name": "expo"}, "concurrencyKey": "shop", "concurrencyPolicy": "CancelPrevious",
            "backoffLimit": 0, "queueTimeoutSeconds": 5400, "runTimeoutSeconds": 5400, "suspend": True,
        }  # fmt: skip
        assert build["spec"].items() >= expected.items()
        assert build["spec"]["source"]["git"] == {
            "url": GIT[1], "revision": "v1", "path": "apps/shop", "secretRef": {"name": "deploy-key"},
        }  # fmt: skip

    def test_asking_twice_is_building_once(self, cli: Cli, kube: Kube) -> None:
        """The same commit again finds the build of before, so that a script may be repeated; a difference is named."""
        for said in ("created", "unchanged"):
            done = cli("submit", *GIT, "--revision", COMMIT, "--platform", "ios")
            assert (done.returncode, done.stdout) == (0, f"publishbuild.publishbuild.dev/shop-9d3f0a8-ios {said}\n")
        kube.patch_spec("shop-9d3f0a8-ios", priority=9)
        assert "unchanged" in cli("submit", *GIT, "--revision", COMMIT, "--platform", "ios").stdout
        other = cli("submit", *GIT, "--revision", COMMIT, "--platform", "ios", "--backoff-limit", "1")
        assert "another build is named shop-9d3f0a8-ios: spec.backoffLimit differ" in refused(other)
        assert len(kube.all_builds()) == 1

    def test_a_branch_gives_a_new_build_each_time(self, cli: Cli, kube: Kube) -> None:
        """What a branch says today it does not say tomorrow."""
        for _ in range(2):
            assert cli("submit", *GIT, "--revision", "main").returncode == 0
        names = {build["metadata"]["name"] for build in kube.all_builds()}
        assert len(names) == 2
        assert all(name.startswith("shop-main-") for name in names)

    def test_what_the_api_server_refuses_is_one_line(self, cli: Cli) -> None:
        """A bad value is told in the API server's words, with the field and what is allowed."""
        assert "spec.backoffLimit" in refused(cli("submit", *GIT, "--backoff-limit", "11"))
        with_password = ("--git-url", "https://ada:canary@git.example/shop.git")
        said = refused(cli("submit", *with_password))
        assert "must not carry credentials" in said
        assert "canary" not in said

    def test_a_dry_run_shows_and_creates_nothing(self, cli: Cli, kube: Kube) -> None:
        """--dry-run prints what would be created, defaults included, as YAML that kubectl takes."""
        done = cli("submit", *GIT, "--revision", COMMIT, "--dry-run")
        shown = yaml.safe_load(done.stdout)
        assert done.returncode == 0
        assert (shown["metadata"]["name"], shown["spec"]["profile"]) == ("shop-9d3f0a8", "production")
        assert kube.all_builds() == []
        assert kube.kubectl("apply", "--dry-run=server", "-f", "-", stdin=done.stdout).returncode == 0

    def test_output_for_scripts(self, cli: Cli) -> None:
        """-o name gives what kubectl takes; json and yaml the whole object, without what only the API server reads."""
        assert cli("submit", *GIT, "--name", "a", "-o", "name").stdout == "publishbuild.publishbuild.dev/a\n"
        as_json = json.loads(cli("submit", *GIT, "--name", "b", "-o", "json").stdout)
        as_yaml = yaml.safe_load(cli("submit", *GIT, "--name", "c", "-o", "yaml").stdout)
        assert (as_json["metadata"]["name"], as_yaml["metadata"]["name"]) == ("b", "c")
        assert "managedFields" not in as_json["metadata"]

    def test_flags_go_over_a_file(self, cli: Cli, kube: Kube, manifest: Manifest) -> None:
        """A file in the repository says how to build, and CI says which commit."""
        file = cli.folder / "publish.yaml"
        file.write_text(yaml.safe_dump(manifest("app", platform="ios")))
        assert cli("submit", "-f", str(file), "--revision", COMMIT, "--name", "ci-1").returncode == 0
        spec = kube.build("ci-1")["spec"]
        assert (spec["platform"], spec["source"]["git"]["revision"]) == ("ios", COMMIT)

    def test_a_file_for_another_namespace_is_refused(self, cli: Cli, manifest: Manifest) -> None:
        """A build goes where its file says, and --namespace does not move it silently."""
        made = manifest("app")
        made["metadata"]["namespace"] = "elsewhere"
        done = cli("submit", "-f", "-", "-n", "here", stdin=json.dumps(made))
        assert "the file says namespace elsewhere, and --namespace says here" in refused(done)


class TestWorkingCopy:
    @pytest.fixture
    def copy(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A working copy, pushed, with an app in a folder."""
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
        made = tmp_path / "copy"
        (made / "apps" / "shop").mkdir(parents=True)
        (made / "apps" / "shop" / "app.json").write_text('{"expo": {"slug": "the-shop"}}')
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        for arguments in (
            ("init", "-q", "--bare", str(tmp_path / "origin.git")),
            ("init", "-q", str(made)),
            ("-C", str(made), "remote", "add", "origin", str(tmp_path / "origin.git")),
            ("-C", str(made), "add", "-A"),
            ("-C", str(made), *identity, "commit", "-qm", "an app"),
            ("-C", str(made), "push", "-q", "origin", "HEAD"),
        ):
            subprocess.run(["git", *arguments], check=True, capture_output=True)
        return made

    def test_without_flags_the_commit_that_one_stands_on_is_built(
        self, cli: Cli, kube: Kube, copy: Path, tmp_path: Path
    ) -> None:
        """`publishbuild submit` in an app's folder needs nothing else."""
        done = cli("submit", "--no-submit", folder=copy / "apps" / "shop")
        commit = (copy / ".git" / "refs" / "heads").rglob("*")
        head = next(file for file in commit if file.is_file()).read_text().strip()
        assert (done.returncode, done.stdout) == (0, created(f"the-shop-{head[:7]}"))
        git = kube.build(f"the-shop-{head[:7]}")["spec"]["source"]["git"]
        assert git == {"url": f"file://{tmp_path}/origin.git", "revision": head, "path": "apps/shop"}

    def test_what_is_not_committed_is_not_built_silently(self, cli: Cli, kube: Kube, copy: Path) -> None:
        """A dirty working copy is refused; --allow-dirty says what is built instead."""
        (copy / "new").write_text("x")
        assert "new is not committed: commit and push, or --allow-dirty" in refused(cli("submit", folder=copy))
        assert kube.all_builds() == []
        done = cli("submit", "--allow-dirty", folder=copy)
        assert done.returncode == 0
        assert "without what is not committed (1 file)" in done.stderr


class TestRetry:
    def test_what_failed_is_built_again(
        self, cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
    ) -> None:
        """A retry is a new build that names the old one; its exit code is the new one's."""
        start_operator()
        kube.apply(manifest("app", outcome="fail", pod={"exit-code": 64}, priority=3))
        kube.wait_phase("app", "Failed")
        done = cli("retry", "app", "--wait")
        assert (done.returncode, done.stdout) == (2, created("app-r2"))
        again = cli("retry", "publishbuild.publishbuild.dev/app-r2")
        assert again.stdout == created("app-r3")
        spec = kube.build("app-r3")["spec"]
        assert (spec["retryOf"], spec["priority"]) == ("app-r2", 3)

    def test_what_succeeded_needs_force(
        self, cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
    ) -> None:
        """Nobody publishes twice by mistake."""
        start_operator()
        kube.apply(manifest("app"))
        kube.wait_phase("app", "Succeeded")
        assert "app has succeeded: --force publishes it once more" in refused(cli("retry", "app"))
        assert cli("retry", "app", "--force", "-o", "name").stdout == "publishbuild.publishbuild.dev/app-r2\n"

    def test_submitting_what_failed_says_how_to_build_it_again(
        self, cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
    ) -> None:
        """The same request again is the same build: it tells that it has failed, and exits so."""
        start_operator()
        stdin = json.dumps(manifest("app", outcome="fail", pod={"exit-code": 64}))
        assert cli("submit", "-f", "-", "--wait", stdin=stdin).returncode == 2
        done = cli("submit", "-f", "-", "--wait", stdin=stdin)
        assert (done.returncode, done.stdout) == (2, "publishbuild.publishbuild.dev/app unchanged\n")
        assert "publishbuild retry app" in done.stderr
        until(lambda: len(kube.jobs()) == 1, seconds=5, what="one Job")
