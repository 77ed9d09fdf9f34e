"""What the builds need around them: CRD, Redis's address, the stand-ins, the operator."""

from __future__ import annotations

from pathlib import Path
from string import Template

from hack.demo.kubectl import ROOT, Kubectl, KubectlError

MANIFESTS = Path(__file__).parent / "manifests"
OPERATOR_IMAGE = "localhost/publishbuild-operator:dev"
RUNNER_IMAGE = "localhost/publishbuild-runner-standin:dev"
READY_SECONDS = 120


def install(kubectl: Kubectl, *, redis_url: str) -> None:
    """Apply all of it, in an order in which each part finds what it needs, and wait until it is ready.

    Raises:
        KubectlError: the first thing that could not be applied or did not become ready, in kubectl's words.
    """
    _ensure_namespace(kubectl)
    kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"))
    kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(ROOT / "crds"))
    _secret(kubectl, "redis", url=redis_url)
    # Any text will do: the stand-in takes every token but "invalid".
    _secret(kubectl, "expo", EXPO_TOKEN="demo-token")  # noqa: S106  # for the stand-in
    for name in ("standins", "operator"):
        text = Template((MANIFESTS / f"{name}.yaml").read_text())
        images = {"OPERATOR_IMAGE": OPERATOR_IMAGE, "RUNNER_IMAGE": RUNNER_IMAGE}
        kubectl("apply", "-f", "-", stdin=text.substitute(images))
    for name in ("standins", "publishbuild-operator"):
        kubectl("rollout", "status", f"deployment/{name}", f"--timeout={READY_SECONDS}s")


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
