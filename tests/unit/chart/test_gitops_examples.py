"""The GitOps examples: what kustomize and the chart make of them. Health is in `tests/gitops`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from hack.demo.kubectl import ROOT
from publishbuild.models.spec import PublishBuildSpec
from tests.support.chart import rendered

GITOPS = ROOT / "examples" / "gitops"
KUBECTL = ROOT / ".cluster" / "bin" / "kubectl"
LUA = (GITOPS / "argocd" / "health.lua").read_text()


def kustomized(folder: Path) -> list[dict[str, Any]]:
    """What ``kubectl kustomize`` makes of a folder."""
    done = subprocess.run(
        [str(KUBECTL), "kustomize", str(folder)], text=True, capture_output=True, check=True, timeout=60
    )
    return list(yaml.safe_load_all(done.stdout))


def test_a_builds_name_carries_its_revision() -> None:
    """Kustomize gives a good PublishBuild, named after the revision that it builds, which no sync prunes."""
    [build] = kustomized(GITOPS / "publish")
    spec = PublishBuildSpec.model_validate(build["spec"])
    assert build["metadata"]["name"] == f"app-{spec.source.git.revision[:7]}"
    assert build["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/prune"] == "disabled"


def test_argo_cds_config_map_holds_the_health() -> None:
    """The ConfigMap has the script under the key that Argo CD looks for."""
    [config] = [found for found in kustomized(GITOPS / "argocd") if found["kind"] == "ConfigMap"]
    assert config["data"] == {"resource.customizations.health.publishbuild.dev_PublishBuild": LUA}


def test_the_chart_takes_the_examples_values() -> None:
    """The values in the Application and in the HelmRelease are values of the chart."""
    application = yaml.safe_load((GITOPS / "argocd" / "application.yaml").read_text())
    release = list(yaml.safe_load_all((GITOPS / "flux" / "operator.yaml").read_text()))[1]
    for values in (application["spec"]["source"]["helm"]["valuesObject"], release["spec"]["values"]):
        images = json.dumps(rendered(values))
        assert "registry.example/publishbuild-operator:" in images
