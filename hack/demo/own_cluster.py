"""A user's own cluster, by a context of their kubeconfig: whether it can take the demo, asked before that begins."""

from __future__ import annotations

import os
from collections.abc import Sequence

from hack.demo import crd
from hack.demo.helm import Helm
from hack.demo.images import LOCAL, DemoImages
from hack.demo.kubectl import Kubectl, KubectlError, Object
from hack.demo.node_images import require_images
from hack.demo.rights import NEEDED, TO_LIST_NODES, require_rights

ANSWER_SECONDS = 15.0
_OPERATORS = "app.kubernetes.io/part-of=publishbuild,app.kubernetes.io/component=operator"
_WATCHED = "PUBLISHBUILD_WATCH_NAMESPACES"


def require_fit(kubectl: Kubectl, images: DemoImages) -> None:
    """Find out whether the demo can run there: the context, an answer, the rights, other operators, the nodes' images.

    Raises:
        KubectlError: the first thing that is in the way, in one line with what to do.
    """
    _require_context(kubectl)
    _require_answer(kubectl)
    # Images of a registry are pulled by the nodes: nobody has to know which they have.
    local = images == LOCAL
    require_rights(kubectl, (*NEEDED, TO_LIST_NODES) if local else NEEDED)
    require_alone(kubectl)
    crd.is_anothers(kubectl, Helm(kubectl).release)
    if local:
        require_images(kubectl, images)


def _require_context(kubectl: Kubectl) -> None:
    known = kubectl("config", "get-contexts", "-o", "name", seconds=ANSWER_SECONDS).splitlines()
    if kubectl.context not in known:
        where = os.environ.get("KUBECONFIG") or "~/.kube/config"
        raise KubectlError(f"{where} has no context {kubectl.context}; it has: {', '.join(known[:20]) or 'none'}")


def _require_answer(kubectl: Kubectl) -> None:
    try:
        kubectl("get", "--raw", "/version", f"--request-timeout={ANSWER_SECONDS:.0f}s", seconds=ANSWER_SECONDS)
    except KubectlError as error:
        view = ("config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}")
        server = kubectl(*view, seconds=ANSWER_SECONDS) or "no server"
        raise KubectlError(f"context {kubectl.context} ({server}) cannot be used: {error}") from None


def require_alone(kubectl: Kubectl) -> None:
    """Find out whether another operator would run the demo's builds too.

    Raises:
        KubectlError: one would; the text names it.
    """
    found = kubectl.get("deployments", "--all-namespaces", "-l", _OPERATORS)["items"]
    if others := watching(kubectl.namespace, found):
        raise KubectlError(_advice(kubectl, others))


def watching(namespace: str, operators: Sequence[Object]) -> list[Object]:
    """Those of these Deployments, each an operator in another namespace, that run the builds of ``namespace``."""
    return [
        operator
        for operator in operators
        if operator["metadata"]["namespace"] != namespace and _watches(operator, namespace)
    ]


def _watches(operator: Object, namespace: str) -> bool:
    containers = operator["spec"]["template"]["spec"]["containers"]
    values = [each.get("value", "") for one in containers for each in one.get("env") or () if each["name"] == _WATCHED]
    named = {name.strip() for value in values for name in value.split(",") if name.strip()}
    return not named or namespace in named


def _advice(kubectl: Kubectl, others: Sequence[Object]) -> str:
    metadata = others[0]["metadata"]
    name = f"{metadata['name']} in namespace {metadata['namespace']}"
    where = kubectl.context or "the local cluster"
    elsewhere = "make demo CONTEXT=name, or make demo alone" if kubectl.context else "make cluster-down"
    return (
        f"on {where} the operator {name} runs the builds of all namespaces or of {kubectl.namespace},"
        f" and would run the demo's too: take another cluster ({elsewhere}), or let that operator have"
        " namespaces by name (watchNamespaces, docs/helm.md)"
    )
