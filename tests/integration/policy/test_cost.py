"""The policies' cost on a real API server: the largest build, annotation and Job are judged, and not too dear to be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.kube import Object, own_namespace
from tests.support.policies import Policies, a_job, build_of, policies_of
from tests.support.waiting import until

pytestmark = pytest.mark.integration

FULL: Object = {
    "runnerPolicy": {
        "images": [f"registry{n}.example/mobile/" for n in range(50)],
        "serviceAccountNames": [f"robot-{n}" for n in range(50)],
        "strict": {
            "enabled": True,
            "secretNames": [f"publish-{n}-*" for n in range(50)],
            "allow": ["command", "args", "env", "valueFrom", "nodeSelector", "tolerations", "podAnnotations"],
        },
    }
}
TOO_DEAR = ("cost", "budget", "exceeds", "timeout", "quantities")


def largest() -> Any:
    """A build whose lists and texts are as long as the resource allows, or nearly."""
    secrets = [f"publish-49-{n}" for n in range(256)]
    env = [{"name": f"A{n}", "valueFrom": {"secretKeyRef": {"name": s, "key": "k"}}} for n, s in enumerate(secrets)]
    runner = {
        "image": f"registry49.example/mobile/{'a/' * 200}tool:1",
        "imagePullSecrets": [{"name": secret} for secret in secrets[:16]],
        "env": env,
        "command": ["x" * 1000] * 100,
        "nodeSelector": {f"label-{n}": "x" for n in range(64)},
        "tolerations": [{"key": f"k{n}", "operator": "Exists"} for n in range(64)],
        "podAnnotations": {f"a{n}": "x" * 100 for n in range(64)},
        "serviceAccountName": "robot-49",
    }
    url = f"https://github.com/acme/{'a.b/' * 500}app"
    return build_of(url=url, runner=runner, credentialsSecretRef={"name": "publish-49-x"})


def fill(policies: Policies) -> None:
    """The longest annotation that counts: half of it short lines, half lines that pair this very repository."""
    dear, short = "s https://github.com/acme/\n", "s ssh://h/a\n"
    policies.pair(dear * (8192 // len(dear)) + short * (8192 // len(short)))


def test_the_largest_build_is_judged_under_the_fullest_policy(kubeconfig: Path) -> None:
    """Strict mode with long lists takes the largest build that it admits, and says what is wrong with another."""
    with own_namespace(kubeconfig) as kube, policies_of(kube, FULL, home="operators-own") as policies:
        fill(policies)
        assert policies.admin.refusal(largest()) == ""
        wrong = largest()
        wrong["spec"]["runner"]["env"][255]["valueFrom"]["secretKeyRef"]["name"] = "redis"
        until(lambda: "Secret redis may not" in policies.admin.refusal(wrong), seconds=30, what="it is judged")


def test_the_largest_build_of_a_submitter_is_judged(kubeconfig: Path) -> None:
    """The restricted form is told from the rest however long text, lists and annotation are."""
    with own_namespace(kubeconfig) as kube, policies_of(kube, {"runnerPolicy": {"images": []}}) as policies:
        fill(policies)
        submitter = policies.account("submitter", role=policies.submitter_role)
        submitter.wait_rights()
        asks = largest()
        del asks["spec"]["runner"]
        said = submitter.refusal(asks)
        assert "spec.credentialsSecretRef.name: publish-49-x may not be used" in said
        assert not any(word in said for word in TOO_DEAR)


def test_a_large_job_of_somebody_else_passes(kubeconfig: Path) -> None:
    """A foreign Job with many labels, containers and variables is not held up by the policy of Jobs."""
    with own_namespace(kubeconfig) as kube, policies_of(kube) as policies:
        job = a_job("large", labels={f"label-{n}": "x" * 60 for n in range(500)})
        env = [{"name": f"A{n}", "value": "x" * 100} for n in range(500)]
        pod = job["spec"]["template"]["spec"]
        pod["containers"] = [{"name": f"c{n}", "image": "x", "env": env} for n in range(10)]
        job["spec"]["template"]["metadata"] = {"labels": {f"label-{n}": "x" * 60 for n in range(500)}}
        assert policies.admin.refusal_of_job(job, keep=True) == ""
        assert policies.admin.refusal_of_job_change("large", {"metadata": {"labels": {"a": "b"}}}) == ""
