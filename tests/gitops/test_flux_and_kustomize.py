"""The manifests that Flux takes, by Flux's own types, and the build that kustomize makes, on a real cluster."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.gitops.programs import EXAMPLES, conformance
from tests.support.rig import Rig

FLUX = EXAMPLES / "flux"


@pytest.mark.timeout(900)
def test_flux_knows_every_field() -> None:
    """GitRepository, HelmRelease and Kustomization have no field that Flux does not know, nor one of another type."""
    conformance("flux", *sorted(FLUX.glob("*.yaml")))


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("right", "wrong"), [("interval: 10m", "intervall: 10m"), ("wait: true", "wait: soon")])
def test_a_mistake_would_be_found(right: str, wrong: str, tmp_path: Path) -> None:
    """A field's name or value that Flux refuses is found."""
    text = (FLUX / "builds.yaml").read_text(encoding="utf-8")
    assert right in text
    (tmp_path / "builds.yaml").write_text(text.replace(right, wrong), encoding="utf-8")
    assert conformance("flux", tmp_path / "builds.yaml", check=False).returncode == 1


@pytest.mark.integration
def test_a_sync_publishes_once_and_a_new_name_publishes_again(rig: Rig, tmp_path: Path) -> None:
    """Applied twice a build runs once; another revision needs another name; the README tells how to give both."""
    folder = shutil.copytree(EXAMPLES / "publish", tmp_path / "publish")
    kustomization = folder / "kustomization.yaml"

    def sync(*, check: bool = True) -> subprocess.CompletedProcess[str]:
        return rig.kube.kubectl("apply", "-k", str(folder), check=check)

    sync()
    rig.kube.kubectl("wait", "--for=condition=Succeeded", "pb/app-9d3f0a8", "--timeout=60s")
    assert sync().stdout.strip().endswith("unchanged")
    before = kustomization.read_text(encoding="utf-8")
    kustomization.write_text(before.replace("9d3f0a8b1c2e", "aaaaaaabbbbb"), encoding="utf-8")
    refused = sync(check=False)
    assert refused.returncode == 1
    assert "spec.source is immutable" in refused.stderr
    kustomization.write_text(before, encoding="utf-8")
    subprocess.run(["bash", "-ec", _commands_of_the_readme()], cwd=folder, check=True, timeout=60)
    assert sync().stdout.strip() == "publishbuild.publishbuild.dev/app-1234567 created"
    rig.kube.kubectl("wait", "--for=condition=Succeeded", "pb/app-1234567", "--timeout=60s")
    assert rig.kube.build("app-1234567")["spec"]["source"]["git"]["revision"] == "1234567890" * 4


def _commands_of_the_readme() -> str:
    """What the README says to do for another revision, for a commit whose SHA looks like a number."""
    lines = (EXAMPLES / "README.md").read_text(encoding="utf-8").splitlines()
    [sed] = [line.removeprefix("$ ") for line in lines if line.startswith("$ sed")]
    return f"sha={'1234567890' * 4}; {sed}"
