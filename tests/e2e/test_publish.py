"""A real app through the whole chain: kubectl apply, operator, Job, runner, git, eas-cli, stand-in EAS, status."""

from __future__ import annotations

import json
import re

import pytest

from hack.demo.kubectl import Kubectl
from tests.e2e.conftest import AskedOfEas, Publish
from tests.support.kube import Kube, Object, condition
from tests.support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

ONCE = {"android": 1, "ios": 1}


def test_an_app_is_built_and_submitted_for_both_platforms(
    kube: Kube, publish: Publish, asked_of_eas: AskedOfEas
) -> None:
    """The build ends as Succeeded with commit, artifact, version and submission of each platform, asked for once."""
    kube.kubectl_apply(publish("both"))
    kube.kubectl("wait", "--for=condition=Succeeded", "pb/both", "--timeout=110s")
    build = kube.build("both")
    status = build["status"]
    assert status["phase"] == "Succeeded"
    assert len(status["source"]["commit"]) == 40
    assert {(made["platform"], made["status"]) for made in status["builds"]} == {
        ("android", "FINISHED"),
        ("ios", "FINISHED"),
    }
    assert all(made["artifactURL"] and made["logsURL"] and made["appVersion"] for made in status["builds"])
    assert {(made["platform"], made["status"]) for made in status["submissions"]} == {
        ("android", "FINISHED"),
        ("ios", "FINISHED"),
    }
    assert asked_of_eas(build) == {"builds": ONCE, "submissions": ONCE}
    described = kube.kubectl("describe", "pb", "both").stdout
    assert "launched Job" in described
    assert status["builds"][0]["logsURL"] in described


def test_an_eas_build_that_errors_is_not_built_again(kube: Kube, publish: Publish, asked_of_eas: AskedOfEas) -> None:
    """An EAS build that ends ERRORED fails the build after one pod, with EAS's id and words, and submits nothing."""
    kube.kubectl_apply(publish("broken", profile="errored", platform="android"))
    status = kube.wait_phase("broken", "Failed", seconds=180)["status"]
    build = kube.build("broken")
    assert status["failure"]["reason"] == "BuildErrored"
    assert status["failure"]["exitCode"] == 64
    assert len(status["failedAttempts"]) == 1
    assert [made["status"] for made in status["builds"]] == ["ERRORED"]
    assert asked_of_eas(build) == {"builds": {"android": 1}, "submissions": {}}


def test_another_tool_is_retried_three_times(kube: Kube, publish: Publish) -> None:
    """With runner.command any tool runs: exit code 1 is tried four times, and its last words are kept."""
    script = "echo the store said no; exit 1"
    kube.kubectl_apply(publish("tool", runner={"command": ["sh", "-c", script]}))
    status = kube.wait_phase("tool", "Failed", seconds=300)["status"]
    assert [attempt["number"] for attempt in status["failedAttempts"]] == [1, 2, 3, 4]
    assert status["attempts"] == 4
    assert "the store said no" in status["failure"]["logTail"]
    assert condition(kube.build("tool"), "Succeeded")["reason"] == "BackoffLimitExceeded"


def test_a_pod_killed_while_eas_builds_never_pays_twice(kube: Kube, publish: Publish, asked_of_eas: AskedOfEas) -> None:
    """When the pod is killed after EAS was asked, the next attempt finds that build and goes on with it."""
    kube.kubectl_apply(publish("killed", platform="android"))

    def asked() -> bool:
        return asked_of_eas(kube.build("killed"))["builds"] == {"android": 1}

    until(asked, seconds=120, what="EAS was asked for a build")
    [pod] = [pod for pod in kube.pods() if pod["metadata"]["name"].startswith("pb-killed-")]
    kube.kubectl("delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force")
    build = kube.wait_phase("killed", "Succeeded", seconds=240)
    assert asked_of_eas(build) == {"builds": {"android": 1}, "submissions": {"android": 1}}


def test_the_pod_has_no_more_than_it_needs(kube: Kube, publish: Publish) -> None:
    """The build's pod passes Pod Security restricted, and mounts no service account token."""
    enforce = "pod-security.kubernetes.io/enforce=restricted"
    kube.kubectl("label", "--overwrite", "namespace", kube.namespace, enforce)
    kube.kubectl_apply(
        publish("restricted", runner={"command": ["sh", "-c", "test ! -e /var/run/secrets/kubernetes.io"]})
    )
    kube.wait_phase("restricted", "Succeeded", seconds=60)


def test_the_operator_asks_for_nothing_that_its_role_denies(kube: Kube, kubectl: Kubectl, publish: Publish) -> None:
    """The API server refuses the operator nothing while builds succeed and are cancelled; Secrets it may not read."""
    kube.kubectl_apply(publish("short", runner={"command": ["true"]}))
    kube.wait_phase("short", "Succeeded", seconds=110)
    kube.kubectl_apply(publish("endless", runner={"command": ["sleep", "600"]}))
    kube.wait_phase("endless", "Running", seconds=60)
    kube.patch_spec("endless", cancel=True)
    kube.wait_phase("endless", "Cancelled", seconds=60)
    [pod] = [pod for pod in kube.pods() if pod["metadata"]["name"].startswith("publishbuild-operator-")]
    path = f"/api/v1/namespaces/{kube.namespace}/pods/{pod['metadata']['name']}:8080/proxy/metrics"
    metrics = kubectl("get", "--raw", path)
    assert 'code="403"' not in metrics
    assert {'outcome="Succeeded"', 'outcome="Cancelled"'} <= set(re.findall(r'outcome="\w+"', metrics))
    operator = f"system:serviceaccount:{kube.namespace}:publishbuild-operator"
    allowed = kube.kubectl("auth", "can-i", "get", "secrets", "--as", operator, check=False)
    assert allowed.stdout.strip() == "no"


def test_the_operators_pod_ends_well(kube: Kube) -> None:
    """SIGTERM ends the operator's container with exit code 0, and a new one takes over."""

    def pods() -> list[Object]:
        return [pod for pod in kube.pods() if pod["metadata"]["name"].startswith("publishbuild-operator-")]

    [before] = pods()
    name = before["metadata"]["name"]
    with kube.popen("get", "pod", name, "--watch", "-o", "json") as watched:
        try:
            kube.kubectl("delete", "pod", name, "--timeout=30s")
            until(
                lambda: any(pod["status"]["phase"] == "Running" and pod["metadata"]["name"] != name for pod in pods()),
                seconds=60,
                what="a new operator",
            )
        finally:
            watched.terminate()
        seen, _ = watched.communicate(timeout=10)
    codes = {line.split(":")[1].strip(" ,") for line in seen.splitlines() if '"exitCode"' in line}
    assert codes == {"0"}, json.dumps(sorted(codes))
