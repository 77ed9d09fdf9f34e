"""The chart in all its shapes, each taken by a real API server: any two values that change a template, together."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.demo.helm import CHART, Helm
from hack.demo.kubectl import Kubectl
from tests.support.chart import Object, of_kind
from tests.support.chart_shapes import SHAPES, name_of, values_of
from tests.support.cluster import KUBECTL, ROOT

pytestmark = pytest.mark.integration

RELEASE = "shape"


@dataclass(frozen=True)
class Shaper:
    """Renders for the first of two namespaces, and shows the result to the API server."""

    kubeconfig: Path
    namespace: str
    other: str

    def text(self, values: Object) -> str:
        """What the chart renders."""
        helm = Helm(Kubectl(self.namespace, kubeconfig=self.kubeconfig))
        return helm("template", RELEASE, str(CHART), values=values)

    def refusals(self, text: str) -> str:
        """What the API server says against these objects, nothing being stored."""
        dry = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-")
        done = self.kubectl(*dry, stdin=text, check=False)
        return done.stderr if done.returncode else ""

    def kubectl(self, *arguments: str, **how: Any) -> subprocess.CompletedProcess[str]:
        """Without a namespace: each object names its own."""
        stdin, check = how.get("stdin"), how.get("check", True)
        command = [str(KUBECTL), "--kubeconfig", str(self.kubeconfig), *arguments]
        return subprocess.run(command, input=stdin, text=True, capture_output=True, check=check, timeout=60)


@pytest.fixture(scope="session")
def shaper(kubeconfig: Path) -> Iterator[Shaper]:
    """Two namespaces, the kinds of the Prometheus operator, and the accounts without which no pod is taken."""
    made = Shaper(kubeconfig, *(f"t-{uuid.uuid4().hex[:12]}" for _ in range(2)))
    crds = str(ROOT / "tests" / "support" / "monitoring_crds.yaml")
    made.kubectl("apply", "--server-side", "-f", crds)
    made.kubectl("wait", "--for=condition=Established", "-f", crds, "--timeout=30s")
    for namespace in (made.namespace, made.other):
        made.kubectl("create", "namespace", namespace)
    for name in (f"{RELEASE}-{CHART.name}", "publisher", f"{RELEASE}-builder"):
        made.kubectl("create", "serviceaccount", f"{name}-test", "--namespace", made.namespace)
    yield made
    made.kubectl("delete", "namespace", made.namespace, made.other, "--wait=false")


@pytest.mark.parametrize("row", SHAPES, ids=name_of)
def test_the_api_server_takes_every_shape_of_the_chart(shaper: Shaper, row: dict[str, int]) -> None:
    """What the chart renders passes the API server's own validation, strictly, in the namespaces that it names."""
    values = values_of(row, (shaper.namespace, shaper.other))
    assert shaper.refusals(shaper.text(values)) == ""


KINDS = ("Deployment", "NetworkPolicy", "PodMonitor", "PrometheusRule", "ValidatingAdmissionPolicy")


@pytest.mark.parametrize("kind", KINDS)
def test_a_misspelt_field_is_refused(shaper: Shaper, kind: str) -> None:
    """A field that the kind does not have is noticed, also in the kinds of the Prometheus operator."""
    on = {"podMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}}
    first, *_ = of_kind([found for found in yaml.safe_load_all(shaper.text(on)) if found], kind)
    first["spec"]["misspelt"] = True
    assert "misspelt" in shaper.refusals(yaml.safe_dump(first))
