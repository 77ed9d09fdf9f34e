"""Who may install the chart: beside another operator, and without rights on the whole cluster; by a real API server."""

from __future__ import annotations

import fcntl
import json
import re
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from hack.demo.helm import CHART, Helm, HelmError
from hack.demo.kubectl import ROOT, Kubectl
from tests.support.chart import Object
from tests.support.kube import Kube

pytestmark = pytest.mark.integration

# As docs/helm.md has it for who has no right on the whole cluster.
ALONE = {
    "crds": {"enabled": False},
    "runnerPolicy": {"enabled": False},
    "userRoles": {"create": False},
    "rbac": {"tokenReviews": False},
}
NAME = "publishbuild-operator"


@pytest.fixture
def bound(kube: Kube) -> Iterator[Kube]:
    """Without the cluster's one binding of an operator for all namespaces, before and after; one test at a time."""
    clear = ("delete", "clusterrolebinding", NAME, "--ignore-not-found")
    with (kube.kubeconfig.parent / "binding.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kube.kubectl(*clear)
        yield kube
        kube.kubectl(*clear)


def bind(kube: Kube, namespace: str, release: str = "") -> None:
    """As an operator for all namespaces does, in ``namespace``, by helm where a release is named."""
    notes = {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": namespace} if release else {}
    binding: Object = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": NAME, "annotations": notes, "labels": {"app.kubernetes.io/managed-by": "Helm"}},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": NAME},
        "subjects": [{"kind": "ServiceAccount", "name": "op", "namespace": namespace}],
    }
    kube.kubectl("create", "-f", "-", stdin=json.dumps(binding))


def try_install(kube: Kube, values: Object, *options: str) -> str:
    """What helm would install, lookups and all."""
    helm = Helm(Kubectl(kube.namespace, kubeconfig=kube.kubeconfig), NAME)
    return helm("upgrade", "--install", "--dry-run=server", *options, NAME, str(CHART), values={**ALONE, **values})


@pytest.mark.parametrize("options", [(), ("--take-ownership",)], ids=["plain", "take-ownership"])
@pytest.mark.parametrize(
    ("release", "named"), [(NAME, f"release {NAME}"), ("other", "release other"), ("", "service account op")]
)
def test_a_second_operator_for_all_namespaces_is_refused(
    bound: Kube, release: str, named: str, options: tuple[str, ...]
) -> None:
    """Helm names the operator that is there, and its namespace, also where it is told to take over what others own."""
    bind(bound, "prod", release)
    with pytest.raises(HelmError, match=f"is installed here: {named} in namespace prod"):
        try_install(bound, {}, *options)


def test_an_operator_is_no_second_to_itself(bound: Kube) -> None:
    """An upgrade of the one that is there goes through; so does one with named namespaces beside it, or without any."""
    assert "ClusterRoleBinding" in try_install(bound, {})
    bind(bound, bound.namespace, NAME)
    assert "ClusterRoleBinding" in try_install(bound, {})
    bound.kubectl("delete", "clusterrolebinding", NAME)
    bind(bound, "prod", NAME)
    assert "ClusterRoleBinding" not in try_install(bound, {"watchNamespaces": [bound.namespace]})


def the_installers_rights() -> list[Object]:
    """The manifests of docs/helm.md."""
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "helm.md").read_text(), re.DOTALL)
    [found] = [block for block in blocks if "publishbuild-installer" in block]
    return list(yaml.safe_load_all(found))


def test_who_administers_a_namespace_can_install_with_the_documented_rights(kube: Kube, tmp_path: Path) -> None:
    """Nobody may grant what they lack: the role admin is refused, and with the Role of docs/helm.md it is not."""
    jane = f"jane-{uuid.uuid4().hex[:8]}"
    kube.kubectl("create", "rolebinding", "jane", "--clusterrole=admin", f"--user={jane}")
    values = {**ALONE, "watchNamespaces": [kube.namespace]}
    text = Helm(Kubectl(kube.namespace, kubeconfig=kube.kubeconfig))("template", NAME, str(CHART), values=values)
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text(text)

    def as_jane(*options: str) -> subprocess.CompletedProcess[str]:
        return kube.kubectl("create", "-f", str(manifests), "--as", jane, *options, check=False)

    refused = as_jane("--dry-run=server")
    assert "attempting to grant RBAC permissions not currently held" in refused.stderr
    for manifest in the_installers_rights():
        manifest["metadata"]["namespace"] = kube.namespace
        for subject in manifest.get("subjects", ()):
            subject["name"] = jane
        kube.kubectl("create", "-f", "-", stdin=json.dumps(manifest))
    allowed = as_jane()
    assert allowed.returncode == 0, allowed.stderr
