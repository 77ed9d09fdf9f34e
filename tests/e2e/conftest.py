"""The real node, the real images and the real eas-cli, with the operator in the cluster under its own RBAC."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from hack.demo.helm import IMAGES, Helm
from hack.demo.install import install
from hack.demo.kubectl import Kubectl
from tests.e2e.chart_release import BUILDS, OPERATOR, RELEASE, SECONDS
from tests.e2e.standin_eas import Eas
from tests.support.kube import Kube, Object

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".cluster"
NAMESPACE = "publishbuild-e2e"


@pytest.fixture(scope="session")
def cluster() -> Path:
    """The real node's kubeconfig; `make test` has built and loaded the images."""
    up = [sys.executable, "-m", "hack.cluster", "up", "--state", str(STATE)]
    subprocess.run(up, cwd=ROOT, check=True, capture_output=True, timeout=900)
    return STATE / "kubeconfig"


@pytest.fixture(scope="session")
def kubectl(cluster: Path) -> Kubectl:
    """The installed operator and stand-ins, with the cluster's own Redis in place of the chart's."""
    made = Kubectl(NAMESPACE, kubeconfig=cluster)
    made("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=120s")
    redis_url = (STATE / "redis-url-in-cluster").read_text().strip()
    # One replica: a test follows the pod that there is.
    install(made, {"replicas": 1, "settings": {"maxConcurrent": 2}, "redis": {"url": redis_url}})
    return made


@pytest.fixture
def kube(kubectl: Kubectl) -> Iterator[Kube]:
    """The namespace as a test sees it, without builds of the tests before."""
    made = Kube(STATE / "kubeconfig", STATE / "bin" / "kubectl", kubectl.namespace)
    made.kubectl("delete", "publishbuilds", "--all", "--timeout=60s")
    yield made
    made.close()


class Publish(Protocol):
    """Makes a PublishBuild of the example app, from the stand-in git server."""

    def __call__(self, name: str, **spec: Any) -> Object: ...


@pytest.fixture
def publish() -> Publish:
    """Makes manifests of the example app."""

    def make(name: str, **spec: Any) -> Object:
        url = f"https://standins.{NAMESPACE}.svc:8443/example-app.git"
        return {
            "apiVersion": "publishbuild.dev/v1alpha1",
            "kind": "PublishBuild",
            "metadata": {"name": name},
            "spec": {
                "source": {"git": {"url": url, "revision": "v1.0.0"}},
                "credentialsSecretRef": {"name": "expo"},
                **spec,
            },
        }

    return make


class AskedOfEas(Protocol):
    """How many EAS builds and submissions the stand-in was asked for on behalf of one PublishBuild, by platform."""

    def __call__(self, build: Object) -> dict[str, dict[str, int]]: ...


@pytest.fixture
def asked_of_eas(kubectl: Kubectl) -> AskedOfEas:
    """Reads the stand-in's own count: what was really asked for, whatever the operator says."""

    def count(build: Object) -> dict[str, dict[str, int]]:
        path = f"/api/v1/namespaces/{NAMESPACE}/services/standins:3000/proxy/standin/counts"
        counts = json.loads(kubectl("get", "--raw", path))
        start = f"pb:{build['metadata']['uid']}:"
        return {
            kind: {
                message.removeprefix(start): number
                for message, number in counts[f"{kind}ByMessage"].items()
                if message.startswith(start)
            }
            for kind in ("builds", "submissions")
        }

    return count


@pytest.fixture(scope="module")
def helm(cluster: Path) -> Iterator[Helm]:
    """Two namespaces, for the operator and for builds, that enforce Pod Security restricted; nothing is installed."""
    kubectl = Kubectl(OPERATOR, kubeconfig=cluster)
    made = Helm(kubectl, RELEASE)

    def clear() -> None:
        made("uninstall", RELEASE, "--ignore-not-found", "--wait")
        kubectl("delete", "namespace", OPERATOR, BUILDS, "--ignore-not-found", "--timeout=120s")

    # An operator for all namespaces would take the builds that other modules left to an operator of their own.
    if kubectl("get", "crd", "publishbuilds.publishbuild.dev", "--ignore-not-found"):
        Kubectl(NAMESPACE, kubeconfig=cluster)("delete", "publishbuilds", "--all", "--timeout=60s")
    clear()
    for namespace in (OPERATOR, BUILDS):
        kubectl("create", "namespace", namespace)
        kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    yield made
    clear()


@pytest.fixture(scope="module")
def installed(helm: Helm) -> Helm:
    """The chart with the images as values and nothing else: for all namespaces."""
    helm.install(IMAGES, seconds=SECONDS)
    return helm


@pytest.fixture
def builds(helm: Helm) -> Iterator[Kube]:
    """The builds' namespace, without builds of the tests before."""
    assert helm.kubectl.kubeconfig is not None
    made = Kube(helm.kubectl.kubeconfig, STATE / "bin" / "kubectl", BUILDS)
    made.kubectl("delete", "publishbuilds", "--all", "--timeout=60s")
    yield made
    made.close()


@pytest.fixture
def eas(kubectl: Kubectl) -> Eas:
    """The stand-in EAS, without faults and without a memory of tests before."""
    made = Eas(kubectl)
    made.post("reset", {})
    return made
