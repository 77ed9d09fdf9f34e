"""What a pod says last is a tenant's: it costs nobody else their turn, and itself not its report."""

from __future__ import annotations

import pytest

from tests.builders import COMMIT, a_message
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import Kube

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

HOSTILE = ("token" * 800, '{"a":' * 800, "token=" * 660, "--token x " * 400, "eyJ-" * 1000, "://a@" * 800)


def test_no_words_of_one_build_hold_up_another(kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """While pods end with what is hostile to redaction, their builds end, another is built, and a restart is ready."""
    operator = start_operator(max_concurrent=len(HOSTILE) + 1)
    loud = [
        manifest(f"loud-{number}", outcome="fail", pod={"exit-code": 64, "message": words})
        for number, words in enumerate(HOSTILE)
    ]
    kube.apply(*loud)
    for build in loud:
        kube.wait_phase(build["metadata"]["name"], "Failed")
    kube.apply(manifest("good"))
    kube.wait_phase("good", "Succeeded")
    assert operator.terminate() == 0
    start_operator(log="again")


def test_no_words_in_the_log_cost_the_report(kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """A log tail with half of a quoted secret in it leaves reason, commit and builds in the status, and no secret."""
    start_operator()
    message = a_message(failure=("BuildErrored", "it failed"), log_tail='keyPassword="canary', ids="7")
    kube.apply(manifest("torn", outcome="fail", pod={"exit-code": 64, "message": message}))
    status = kube.wait_phase("torn", "Failed")["status"]
    assert status["failure"]["reason"] == "BuildErrored"
    assert status["source"]["commit"] == COMMIT
    assert [build["id"] for build in status["builds"]] == ["build-7"]
    assert "canary" not in str(status)
