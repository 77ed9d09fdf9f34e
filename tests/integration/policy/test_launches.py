"""The operator with the chart's own rights under its policies: it builds, and what waits escapes no tightened one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from publishbuild import names
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import Kube
from tests.support.policies import policies_of
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

# What `tests.support.operator_process` gives its operators.
RUNNER = {"image": {"tag": "pretended"}}


def test_what_waited_is_judged_again_when_it_is_launched(
    kube: Kube, start_operator: StartOperator, manifest: Manifest, tmp_path: Path
) -> None:
    """A build that was taken before images were listed is not launched, and its status says why; listed ones run."""
    with policies_of(kube, {"runner": RUNNER}) as policies:
        for name, image in (("escapes", "evil.example/tool:1"), ("listed", "tool:1"), ("plain", "")):
            made: Any = manifest(name, suspend=True)
            made["spec"]["runner"] |= {"image": image} if image else {}
            kube.apply(made)
        policies.install({"runner": RUNNER, "runnerPolicy": {"images": ["tool"]}})
        own = policies.operator_kubeconfig(tmp_path / "operator.kubeconfig")
        policies.wait_launch_refused("escapes")
        start_operator(kubeconfig=own)
        for name in ("escapes", "listed", "plain"):
            kube.patch_spec(name, suspend=False)
        assert kube.wait_phase("listed", "Succeeded", "Failed")["status"]["phase"] == "Succeeded"
        assert kube.wait_phase("plain", "Succeeded", "Failed")["status"]["phase"] == "Succeeded"

        def refused() -> str:
            text = str(kube.build("escapes").get("status", {}).get("conditions", ""))
            return text if "spec.runner.image" in text else ""

        said = until(refused, seconds=30, what="its status says why it is not launched")
        assert "evil.example/tool:1 is not among publishbuild-runner:pretended, tool" in said
        assert "runnerPolicy.images" in said
        assert {job["metadata"]["labels"][names.LABEL_BUILD] for job in kube.jobs()} <= {"listed", "plain"}
        kube.patch_spec("escapes", cancel=True)
        kube.wait_phase("escapes", "Cancelled")


STRICT = {"strict": {"enabled": True, "secretNames": ["expo"], "allow": ["podAnnotations"]}}
ESCAPES: dict[str, Any] = {
    "tolerates": {"runner": {"tolerations": [{"operator": "Exists"}]}},
    "chooses": {"runner": {"nodeSelector": {"kubernetes.io/os": "linux"}}},
    "commands": {"runner": {"command": ["env"]}},
    "reads": {"runner": {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "expo", "key": "k"}}}]}},
    "logs-in": {"credentialsSecretRef": {"name": "other"}},
    "pulls": {"runner": {"imagePullSecrets": [{"name": "other"}]}},
}


def test_strict_mode_is_judged_again_when_builds_are_launched(
    kube: Kube, start_operator: StartOperator, manifest: Manifest, tmp_path: Path
) -> None:
    """Builds from before strict mode wait with the reason in their status; what it admits runs, as does `helm test`."""
    with policies_of(kube, {"runner": RUNNER}) as policies:
        for name, spec in ESCAPES.items():
            made: Any = manifest(name, suspend=True, **{key: value for key, value in spec.items() if key != "runner"})
            made["spec"]["runner"] |= spec.get("runner", {})
            kube.apply(made)
        kube.apply(manifest("good", suspend=True, credentialsSecretRef={"name": "expo"}))
        values = {"runner": RUNNER, "runnerPolicy": STRICT, "imagePullSecrets": [{"name": "registry"}]}
        policies.install(values)
        [trial] = [one for one in policies.chart(values) if one["kind"] == "PublishBuild"]
        kube.apply(trial)
        own = policies.operator_kubeconfig(tmp_path / "operator.kubeconfig")
        for name in ESCAPES:
            policies.wait_launch_refused(name)
        start_operator(kubeconfig=own)
        for name in ("good", *ESCAPES):
            kube.patch_spec(name, suspend=False)
        for name in ("good", trial["metadata"]["name"]):
            assert kube.wait_phase(name, "Succeeded", "Failed")["status"]["phase"] == "Succeeded"

        def all_refused() -> bool:
            said = {name: str(kube.build(name)["status"]["conditions"]) for name in ESCAPES}
            return all("denied request" in text for text in said.values())

        until(all_refused, seconds=30, what="each status says why its build is not launched")
        built = {job["metadata"]["labels"][names.LABEL_BUILD] for job in kube.jobs()}
        assert not built & set(ESCAPES)
