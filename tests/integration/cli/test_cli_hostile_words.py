"""What a build says reaches people by way of a real API server and kubectl; nothing of it acts on their terminal."""

from __future__ import annotations

import pytest

from publishbuild.runner.result import BuildResult, FailureResult, RunResult, SubmissionResult
from tests.support.cli import Cli
from tests.support.fixtures import Manifest, StartOperator
from tests.support.hostile_texts import HOSTILE, MARK, unsafe
from tests.support.kube import Kube

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]


def a_report(words: str) -> str:
    build = BuildResult(platform="ios", id=words, status=words, logs_url=words, artifact_url=words)
    submission = SubmissionResult(platform="ios", id=words, status=words, url=words)
    failure = FailureResult(reason="Failed", message=words)
    return RunResult(
        commit=words, builds=(build,), submissions=(submission,), failure=failure, log_tail=words
    ).to_message()


def test_no_words_of_a_build_act_on_a_terminal(
    cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
) -> None:
    """Builds that end with hostile words are read by the command and by kubectl, and only text is written."""
    start_operator(max_concurrent=len(HOSTILE))
    builds = {
        name: manifest(f"says-{name}", outcome="fail", pod={"exit-code": 64, "message": a_report(words)})
        for name, words in HOSTILE.items()
    }
    kube.apply(*builds.values())
    for name in builds:
        kube.wait_phase(f"says-{name}", "Failed")
    shown = {"list": cli("list", "-o", "wide").stdout, "yaml": cli("list", "-o", "yaml").stdout}
    for name in ("clipboard", "eight-bit-csi", "new-row", "right-to-left", "globals", "braces"):
        for verb in ("why", "watch"):
            done = cli(verb, f"says-{name}")
            shown[f"{verb} {name}"] = done.stdout + done.stderr
    words = "{.status.failure.message}{.status.failure.logTail}{.status.source.commit}{.status.builds[*].id}"
    raw = f"jsonpath={{range .items[*]}}{words}{{end}}"
    for arguments in (("get", "pb", "-o", "wide"), ("describe", "pb"), ("get", "events"), ("get", "pb", "-o", raw)):
        shown[" ".join(arguments)] = kube.kubectl(*arguments).stdout
    assert {what: unsafe(text) for what, text in shown.items() if unsafe(text)} == {}
    assert [what for what, text in shown.items() if MARK not in text] == []
    assert shown["list"].count("\n") == len(builds) + 1
