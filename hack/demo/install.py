"""What the builds need around them: the stand-ins, and the operator by its chart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from hack.demo.helm import IMAGES, RUNNER_IMAGE, Helm, merged
from hack.demo.kubectl import ROOT, Kubectl, KubectlError

MANIFESTS = Path(__file__).parent / "manifests"
READY_SECONDS = 120


def install(kubectl: Kubectl, values: Mapping[str, Any]) -> None:
    """Install all of it and wait until it is ready; ``values`` of the chart are laid over those of the images.

    Raises:
        KubectlError: the first thing that could not be applied or did not become ready, in kubectl's words.
        HelmError: the same of the chart, in helm's words.
    """
    _ensure_namespace(kubectl)
    # Any text will do: the stand-in takes every token but "invalid".
    _secret(kubectl, "expo", EXPO_TOKEN="demo-token")  # noqa: S106  # for the stand-in
    text = Template((MANIFESTS / "standins.yaml").read_text())
    kubectl("apply", "-f", "-", stdin=text.substitute(RUNNER_IMAGE=f"{RUNNER_IMAGE}:dev"))
    # Its own namespace alone: others on this cluster may have an operator too.
    Helm(kubectl).install(merged(IMAGES, {"watchNamespaces": [kubectl.namespace]}, values), seconds=READY_SECONDS)
    kubectl("rollout", "status", "deployment/standins", f"--timeout={READY_SECONDS}s")


def apply_examples(kubectl: Kubectl) -> None:
    """``kubectl apply -f examples/``, after removing what an earlier demo left: a build is never run twice."""
    kubectl("delete", "-f", str(ROOT / "examples"), "--ignore-not-found", "--timeout=60s")
    kubectl("apply", "-f", str(ROOT / "examples"))


def _ensure_namespace(kubectl: Kubectl) -> None:
    try:
        kubectl("get", "namespace", kubectl.namespace)
    except KubectlError:
        kubectl("create", "namespace", kubectl.namespace)


def _secret(kubectl: Kubectl, name: str, **values: str) -> None:
    literals = [f"--from-literal={key}={value}" for key, value in values.items()]
    made = kubectl("create", "secret", "generic", name, *literals, "--dry-run=client", "-o", "yaml")
    kubectl("apply", "-f", "-", stdin=made)
