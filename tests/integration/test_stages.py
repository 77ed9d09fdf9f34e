"""An attempt of three containers on a real API server with the real Job controller."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.builders import a_message, a_stage
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import Kube
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

SAID = a_message(failure=("SourceNotFound", "there is no such repository"), log_tail="fatal: not found")
WAITS = {"waiting": {"reason": "PodInitializing"}}


def _set_stages(kube: Kube, phase: str, **states: dict[str, Any]) -> None:
    """As a kubelet reports the containers that come before the runner's."""
    [pod] = kube.pods()
    image = {"image": "pretended", "imageID": "", "ready": False, "restartCount": 0}
    statuses = [{"name": name, "state": state} | image for name, state in states.items()]
    patch = json.dumps({"status": {"phase": phase, "initContainerStatuses": statuses}})
    kube.kubectl("patch", "pod", pod["metadata"]["name"], "--subresource=status", "--type=merge", "-p", patch)


@pytest.mark.parametrize("name", ["source", "dependencies"])
def test_64_of_a_stage_ends_the_build_and_the_stage_is_named(
    kube: Kube, start_operator: StartOperator, manifest: Manifest, name: str
) -> None:
    """The Job controller starts no other pod, and the status has container, exit code and last lines."""
    start_operator()
    kube.apply(manifest("app", outcome="pending", pod={"reason": "PodInitializing"}))
    until(lambda: kube.pods() and kube.pods()[0]["status"].get("containerStatuses"), seconds=30, what="the pod waits")
    _set_stages(kube, "Pending", **({"source": a_stage(None)} if name == "source" else {"source": a_stage()}))
    states = {"source": a_stage(), "dependencies": WAITS} | {name: a_stage(64, message=SAID)}
    _set_stages(kube, "Failed", **states)
    failed = kube.wait_phase("app", "Failed")
    failure = failed["status"]["failure"]
    assert (failure["container"], failure["exitCode"], failure["reason"]) == (name, 64, "SourceNotFound")
    assert failure["logTail"] == "fatal: not found"
    assert failed["status"]["failedAttempts"][0]["container"] == name
    assert len(kube.pods()) == 1


def test_a_stage_that_runs_is_told_in_the_status(kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """The build is Running and says that its dependencies are installed; the pod is Pending all the while."""
    start_operator()
    kube.apply(manifest("app", outcome="pending", pod={"reason": "PodInitializing"}))
    until(lambda: kube.pods() and kube.pods()[0]["status"].get("containerStatuses"), seconds=30, what="the pod waits")
    _set_stages(kube, "Pending", source=a_stage(), dependencies=a_stage(None))

    def says() -> bool:
        conditions = kube.build("app")["status"].get("conditions") or ()
        return any("dependencies are installed" in one.get("message", "") for one in conditions)

    until(says, seconds=15, what="the status tells of the stage")
    kube.patch_spec("app", cancel=True)
    kube.wait_phase("app", "Cancelled")
