"""`publishbuild why` on builds that are really so."""

from __future__ import annotations

import json

import pytest

from tests.builders import a_message
from tests.support.cli import Cli
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import Kube
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]


def first(text: str) -> str:
    return text.splitlines()[0]


def test_what_waits_is_told_and_its_command_helps(
    cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
) -> None:
    """A suspended build says so, and the command that `why` shows lets it go on."""
    start_operator()
    kube.apply(manifest("app", suspend=True))
    kube.wait_phase("app", "Suspended")
    done = cli("why", "app", "-o", "json")
    told = json.loads(done.stdout)
    assert told["cause"] == "app waits: it is held by its own spec.suspend"
    program, *arguments = told["steps"][0]["command"].split()
    assert program == "publishbuild"
    assert cli(*arguments).returncode == 0
    kube.wait_phase("app", "Succeeded")
    assert first(cli("why", "app").stdout) == "app succeeded at attempt 1."


def test_a_pod_that_cannot_start_is_told(
    cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
) -> None:
    """An image that cannot be pulled is the cause, the pod is named, and the build can be given up."""
    start_operator()
    kube.apply(manifest("app", outcome="pending", pod={"reason": "ErrImagePull"}))
    until(
        lambda: "ImagePullBackOff" in json.dumps(kube.build("app").get("status", {})), seconds=30, what="it is reported"
    )
    done = cli("why", "app")
    assert first(done.stdout) == "app cannot start: the runner's image cannot be pulled."
    [pod] = kube.pods()
    assert f"kubectl describe pod {pod['metadata']['name']} -n {kube.namespace}" in done.stdout
    assert f"publishbuild cancel app -n {kube.namespace}" in done.stdout


def test_a_failure_is_told_in_the_words_of_the_runner(
    cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
) -> None:
    """The reason of the runner's report is the cause; its message, its log and EAS's page are there."""
    start_operator()
    message = a_message(
        failure=("BuildErrored", "the ios build 7 ended ERRORED, XCODE_BUILD_ERROR: see the log"),
        log_tail="the last line",
        ids="7",
    )
    kube.apply(manifest("app", outcome="fail", pod={"exit-code": 64, "message": message}))
    kube.wait_phase("app", "Failed")
    done = cli("why", "app")
    assert first(done.stdout) == "app failed: the build failed on EAS."
    for word in ("XCODE_BUILD_ERROR", "https://expo.example/b", "the last line", "publishbuild retry app"):
        assert word in done.stdout
    assert (done.returncode, done.stderr) == (0, "")


def test_a_build_that_is_not_there_is_a_line(cli: Cli) -> None:
    """A name that does not exist ends with 1 and one line."""
    done = cli("why", "missing")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)


def test_colours_are_for_terminals_that_want_them(
    cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
) -> None:
    """A program that reads gets plain text, however long the lines are."""
    start_operator()
    kube.apply(manifest("app", suspend=True))
    kube.wait_phase("app", "Suspended")
    assert "\x1b" not in cli("why", "app").stdout
    with cli.on_terminal("why", "app") as terminal:
        assert terminal.wait_ended() == 0
        assert "app waits: it is held by its own spec.suspend." in terminal.text()
