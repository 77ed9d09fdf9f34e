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
        probe: Any = manifest("probe")
        probe["spec"]["runner"]["image"] = "evil.example/tool:1"
        until(lambda: policies.admin.refusal(probe), seconds=30, what="the new policy is in force")
        start_operator(kubeconfig=policies.operator_kubeconfig(tmp_path / "operator.kubeconfig"))
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
