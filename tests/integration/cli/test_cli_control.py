"""`publishbuild cancel`, `suspend` and `resume`, and what users without rights are told."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.cli import Cli
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import Kube, condition

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]


def said(verb: str, *names: str) -> set[str]:
    return {f"publishbuild.publishbuild.dev/{name} {verb}" for name in names}


class TestCancel:
    def test_it_returns_when_all_have_really_ended(
        self, cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
    ) -> None:
        """What waits and what runs is cancelled alike, and is Cancelled with its pods gone when the command ends."""
        start_operator(max_concurrent=1)
        kube.apply(manifest("running", outcome="hold"))
        kube.wait_phase("running", "Running")
        kube.apply(manifest("waiting"))
        kube.wait_phase("waiting", "Queued")
        done = cli("cancel", "running", "pb/waiting")
        assert (done.returncode, done.stderr) == (0, "")
        names = ("running", "waiting")
        assert set(done.stdout.splitlines()) == said("cancelling", *names) | said("cancelled", *names)
        assert {condition(kube.build(name), "Succeeded")["reason"] for name in names} == {"Cancelled"}
        assert kube.pods() == []
        again = cli("cancel", "running")
        assert (again.returncode, again.stdout) == (0, "publishbuild.publishbuild.dev/running cancelled\n")

    def test_one_that_is_wrong_does_not_keep_the_others(
        self, cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
    ) -> None:
        """A build that is missing or has ended is told, with exit code 1, and the others are cancelled all the same."""
        start_operator()
        kube.apply(manifest("done"), manifest("held", suspend=True))
        kube.wait_phase("done", "Succeeded")
        kube.wait_phase("held", "Suspended")
        done = cli("cancel", "missing", "done", "held")
        assert done.returncode == 1
        assert set(done.stderr.splitlines()) == {
            f'publishbuild: publishbuilds.publishbuild.dev "missing" not found in namespace {kube.namespace}',
            "publishbuild: done cannot be cancelled any more: it has ended (Succeeded)",
        }
        assert set(done.stdout.splitlines()) == said("cancelling", "held") | said("cancelled", "held")

    def test_it_need_not_wait(self, cli: Cli, kube: Kube, manifest: Manifest) -> None:
        """--no-wait only asks; --timeout ends the waiting with 4. No operator runs here, so nothing ends."""
        kube.apply(manifest("app"))
        asked = cli("cancel", "app", "--no-wait")
        assert (asked.returncode, set(asked.stdout.splitlines())) == (0, said("cancelling", "app"))
        assert kube.build("app")["spec"]["cancel"] is True
        late = cli("cancel", "app", "--timeout", "1s")
        assert late.returncode == 4
        assert "app has not ended within 1s; it is still being cancelled" in late.stderr


class TestSuspend:
    def test_what_waits_is_held_and_let_go(
        self, cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
    ) -> None:
        """A suspended build waits until it is resumed; one that runs goes on, and that is said."""
        start_operator(max_concurrent=1)
        kube.apply(manifest("running", outcome="hold"))
        kube.wait_phase("running", "Running")
        kube.apply(manifest("waiting"))
        kube.wait_phase("waiting", "Queued")
        done = cli("suspend", "waiting", "running")
        assert (done.returncode, set(done.stdout.splitlines())) == (0, said("suspended", "waiting", "running"))
        assert done.stderr == "running runs already and goes on: to stop it, publishbuild cancel running\n"
        kube.wait_phase("waiting", "Suspended")
        assert kube.build("running")["status"]["phase"] == "Running"
        assert cli("resume", "waiting").stdout == "publishbuild.publishbuild.dev/waiting resumed\n"
        kube.patch_spec("running", cancel=True)
        kube.wait_phase("waiting", "Succeeded")
        ended = cli("suspend", "waiting")
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr == "publishbuild: waiting has ended (Succeeded): only what waits can be suspended\n"


@pytest.mark.parametrize("arguments", [("get-it",), ("list", "--namespace", "not-there")])
def test_what_is_not_there_is_no_traceback(cli: Cli, arguments: tuple[str, ...]) -> None:
    """A verb or a namespace that does not exist ends in one line or in an empty list."""
    done = cli(*arguments)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1


def test_the_shell_completes_names(cli: Cli, kube: Kube, manifest: Manifest) -> None:
    """A name is completed from the builds of the namespace; without a cluster nothing is, and nothing is said."""
    kube.apply(manifest("shop-1"), manifest("shop-2"), manifest("other"))

    def completed(kubeconfig: str) -> tuple[set[str], str]:
        line = {"_PUBLISHBUILD_COMPLETE": "complete_bash", "COMP_WORDS": "publishbuild cancel sh", "COMP_CWORD": "2"}
        done = subprocess.run(
            [sys.executable, "-m", "publishbuild.cli"],
            env=os.environ | line | {"KUBECONFIG": kubeconfig},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return set(done.stdout.split()), done.stderr

    assert completed(str(cli.kubeconfig)) == ({"shop-1", "shop-2"}, "")
    assert completed("/not/there") == (set(), "")
