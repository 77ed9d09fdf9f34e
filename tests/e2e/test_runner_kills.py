"""The pod of a build is killed at each step on a real node: one EAS build and one submission, whatever the signal."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest

from tests.e2e.conftest import AskedOfEas, Publish
from tests.e2e.standin_eas import Eas
from tests.support.kube import Kube, Object
from tests.support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(600)]

ONCE = {"android": 1}
STEPS = [
    ("ViewBuildsOnApp", "hold"),
    ("upload", "hold"),
    ("CreateAndroidBuildMutation", "hold"),
    ("CreateAndroidBuildMutation", "hold-after"),
    ("BuildsByIdQuery", "hold"),
    ("GetAllSubmissionsForApp", "hold"),
    ("CreateAndroidSubmissionMutation", "hold"),
    ("CreateAndroidSubmissionMutation", "hold-after"),
]


def _running_pod(kube: Kube, build: str) -> Object:
    def look() -> Object | None:
        pods = (pod for pod in kube.pods() if pod["metadata"]["name"].startswith(f"pb-{build}-"))
        alive = (pod for pod in pods if not pod["metadata"].get("deletionTimestamp"))
        return next((pod for pod in alive if pod["status"]["phase"] == "Running"), None)

    return until(look, seconds=150, what=f"a running pod of {build}")


def _evict(kube: Kube, pod: str) -> None:
    """SIGTERM, as a drain does it: the pod carries DisruptionTarget and does not count as a failed attempt."""
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": kube.namespace}}
    path = f"/api/v1/namespaces/{kube.namespace}/pods/{pod}/eviction"
    kube.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))


def _kill(kube: Kube, pod: str) -> None:
    """SIGKILL for all in the pod but its first process, the forwarder, which ends with its child's exit code."""
    kube.kubectl("exec", pod, "--", "sh", "-c", "kill -9 -1", check=False)


@pytest.mark.parametrize(("operation", "when"), STEPS)
@pytest.mark.parametrize(("name", "kill"), [("drained", _evict), ("killed", _kill)])
def test_a_pod_that_dies_at_a_step_pays_once(
    kube: Kube,
    publish: Publish,
    asked_of_eas: AskedOfEas,
    eas: Eas,
    name: str,
    kill: Callable[[Kube, str], None],
    operation: str,
    when: str,
) -> None:
    """The pod dies exactly at a request that is held, before or after EAS has carried it out; the next one ends it."""
    # A build of its own for each: Kubernetes waits twice as long after each pod of a Job that failed, drained or not.
    eas.post("settings", {"faults": [{"operation": operation, "kind": when}]})
    kube.kubectl_apply(publish(name, platform="android"))
    try:
        until(partial(_is_held, eas, operation), seconds=180, what=f"{operation} is held", pause=0.5)
        pod = _running_pod(kube, name)["metadata"]["name"]
        kill(kube, pod)
        until(partial(_has_ended, kube, pod), seconds=120, what=f"{pod} has ended", pause=0.5)
    finally:
        eas.post("settings", {"faults": []})
        eas.post("release", {})
    build = kube.wait_phase(name, "Succeeded", seconds=240)
    assert asked_of_eas(build) == {"builds": ONCE, "submissions": ONCE}


def _is_held(eas: Eas, operation: str) -> bool:
    return operation in eas.get("held")


def _has_ended(kube: Kube, name: str) -> bool:
    return not any(pod["metadata"]["name"] == name and pod["status"]["phase"] == "Running" for pod in kube.pods())
