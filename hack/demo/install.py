"""What the builds need around them: the stand-ins, and the operator by its chart."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from hack.demo import crd
from hack.demo.helm import Helm, merged
from hack.demo.images import LOCAL, DemoImages
from hack.demo.kubectl import ROOT, Kubectl, KubectlError

MANIFESTS = Path(__file__).parent / "manifests"
READY_SECONDS = 120
_LOOK_SECONDS = 0.3


def install(kubectl: Kubectl, values: Mapping[str, Any], images: DemoImages = LOCAL) -> None:
    """Install all of it and wait until it is ready; ``values`` of the chart are laid over those of the images.

    Raises:
        KubectlError: the first thing that could not be applied or did not become ready, in kubectl's words.
        HelmError: the same of the chart, in helm's words.
    """
    helm = Helm(kubectl)
    # On a cluster of the user's own nothing of others is taken over; one of this repository's is the demo's alone.
    own = kubectl.context is not None
    anothers_crd = own and crd.is_anothers(kubectl, helm.release)
    _ensure_namespace(kubectl)
    # Any text will do: the stand-in takes every token but "invalid".
    _secret(kubectl, "expo", EXPO_TOKEN="demo-token")  # noqa: S106  # for the stand-in
    text = Template((MANIFESTS / "standins.yaml").read_text())
    kubectl("apply", "-f", "-", stdin=text.substitute(RUNNER_IMAGE=images.runner))
    # Its own namespace alone: others on this cluster may have an operator for theirs.
    fixed: dict[str, Any] = {"watchNamespaces": [kubectl.namespace]}
    if anothers_crd:
        fixed["crds"] = {"enabled": False}
    helm.install(merged(images.values, fixed, values), seconds=READY_SECONDS, take_crd=not own)
    kubectl("rollout", "status", "deployment/standins", f"--timeout={READY_SECONDS}s")


def wait_for_queue(kubectl: Kubectl) -> None:
    """Wait until the leading operator says that its queue works: a pod that is ready may still connect to Redis.

    Raises:
        KubectlError: it does not say so in time; the text ends with its last word.
    """
    path = f"/api/v1/namespaces/{kubectl.namespace}/services/publishbuild-operator:http/proxy/v1/queue"
    deadline, said = time.monotonic() + READY_SECONDS, ""
    while time.monotonic() < deadline:
        try:
            said = kubectl("get", "--raw", path)
            if json.loads(said)["redis"] == "up":
                return
        except KubectlError as error:  # a standby answered, or nobody leads yet
            said = str(error)
        time.sleep(_LOOK_SECONDS)
    raise KubectlError(f"the operator's queue was not up after {READY_SECONDS} s: {said}")


def apply_examples(kubectl: Kubectl) -> None:
    """``kubectl apply -f examples/``, after removing what an earlier demo left: a build is never run twice."""
    kubectl("delete", "-f", str(ROOT / "examples"), "--ignore-not-found", "--timeout=60s")
    kubectl("apply", "-f", str(ROOT / "examples"))


def _ensure_namespace(kubectl: Kubectl) -> None:
    if not kubectl("get", "namespace", kubectl.namespace, "--ignore-not-found", "-o", "name"):
        kubectl("create", "namespace", kubectl.namespace)


def _secret(kubectl: Kubectl, name: str, **values: str) -> None:
    literals = [f"--from-literal={key}={value}" for key, value in values.items()]
    made = kubectl("create", "secret", "generic", name, *literals, "--dry-run=client", "-o", "yaml")
    kubectl("apply", "-f", "-", stdin=made)
