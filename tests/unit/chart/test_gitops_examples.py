"""The GitOps examples: what kustomize and the chart make of them, and Argo CD's health in a real Lua 5.1, Redis's."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.demo.kubectl import ROOT
from publishbuild.decide.conditions import Verdict, conditions
from publishbuild.models.spec import PublishBuildSpec
from tests.builders import NOW
from tests.support.chart import rendered
from tests.support.redis_process import RedisProcess

GITOPS = ROOT / "examples" / "gitops"
KUBECTL = ROOT / ".cluster" / "bin" / "kubectl"
LUA = (GITOPS / "argocd" / "health.lua").read_text()


@pytest.fixture(scope="module")
def lua(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Runs health.lua on an object, as Argo CD does."""
    process = RedisProcess(tmp_path_factory.mktemp("lua")).start()
    program = f"local obj = cjson.decode(ARGV[1])\nlocal function health()\n{LUA}\nend\nreturn cjson.encode(health())"
    with process.client() as client:
        yield lambda obj: json.loads(str(client.eval(program, 0, json.dumps(obj))))
    process.stop()


def a_build(succeeded: Any, reason: str, *, observed: int = 2) -> dict[str, Any]:
    """A build with the conditions that the operator writes for that verdict."""
    made = conditions((), Verdict(succeeded, reason, "words"), generation=observed, now=NOW)
    wire = [condition.model_dump(mode="json", by_alias=True) for condition in made]
    return {"metadata": {"generation": 2}, "status": {"observedGeneration": observed, "conditions": wire}}


@pytest.mark.parametrize(
    ("succeeded", "reason", "health"),
    [
        ("Unknown", "Queued", "Progressing"),
        ("Unknown", "GlobalLimit", "Progressing"),
        ("Unknown", "RedisUnavailable", "Progressing"),
        ("Unknown", "Suspended", "Suspended"),
        ("Unknown", "QueuePaused", "Suspended"),
        ("Unknown", "Running", "Progressing"),
        ("Unknown", "Retrying", "Progressing"),
        ("Unknown", "Cancelling", "Progressing"),
        ("True", "Succeeded", "Healthy"),
        ("False", "BackoffLimitExceeded", "Degraded"),
        ("False", "Cancelled", "Degraded"),
    ],
)
def test_argo_cd_reads_every_state(lua: Any, succeeded: str, reason: str, health: str) -> None:
    """Each state of a build has the health that the contract names, with the reason in its message."""
    assert lua(a_build(succeeded, reason)) == {"status": health, "message": f"{reason}: words"}


def test_argo_cd_waits_for_a_status(lua: Any) -> None:
    """A build without a status, or with one of an older generation, is Progressing."""
    assert lua({"metadata": {"generation": 1}})["status"] == "Progressing"
    assert lua(a_build("True", "Succeeded", observed=1))["status"] == "Progressing"


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
