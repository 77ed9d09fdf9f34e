"""Whether the nodes of a user's own cluster have the demo's images, and how to bring them there.

A node reports the images that it holds, the largest 50 of them. Nothing is known of a node that reports so many: there,
the pods tell what they lack.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hack.demo.kubectl import Kubectl, KubectlError
from hack.images.names import in_full

Object = dict[str, Any]
REPORTED_AT_MOST = 50
"""The kubelet's default of ``nodeStatusMaxImages``."""
LIST = ".venv/bin/python -m hack.images list --only operator --only standins --only redis"
"""Prints the archives of the demo's images, one path a line."""


def require_images(kubectl: Kubectl, images: Iterable[str]) -> None:
    """Find out, before anything is installed, whether the cluster's nodes have these images.

    Raises:
        KubectlError: they lack some, in one line with the commands that bring them there; or kubectl refused.
    """
    nodes = kubectl.get("nodes")["items"]
    if lack := lacking(list(images), nodes):
        raise KubectlError(advice(kubectl.context or "", lack))


def lacking(images: Sequence[str], nodes: Sequence[Object]) -> dict[str, list[str]]:
    """Node -> the images that it lacks, for nodes on which the demo's pods may run."""
    lack: dict[str, list[str]] = {}
    for node in filter(_takes_pods, nodes):
        reported = node.get("status", {}).get("images", ())
        held = {in_full(name) for image in reported for name in image.get("names") or ()}
        missing = [name for name in images if in_full(name) not in held]
        if missing and len(reported) < REPORTED_AT_MOST:
            lack[node["metadata"]["name"]] = missing
    return lack


def _takes_pods(node: Object) -> bool:
    spec = node.get("spec", {})
    taints = {taint.get("effect") for taint in spec.get("taints") or ()}
    return not spec.get("unschedulable") and taints.isdisjoint({"NoSchedule", "NoExecute"})


def advice(context: str, lack: Mapping[str, Sequence[str]]) -> str:
    """One line: which images which nodes lack, and how to bring them there.

    The context's name says what kind of cluster it is: kind, k3d and minikube name theirs in a way of their own.
    """
    images = dict.fromkeys(image for missing in lack.values() for image in missing)
    nodes = ", ".join([*list(lack)[:3], *(["…"] if len(lack) > 3 else [])])  # noqa: PLR2004  # as many as fit in a line
    return f"nodes of {context or 'this cluster'} ({nodes}) lack {', '.join(images)}: {_how(context)}"


def _how(context: str) -> str:
    kind, k3d = context.removeprefix("kind-"), context.removeprefix("k3d-")
    again = shlex.join(["make", "demo", f"CONTEXT={context}"])
    if kind != context:
        load = f"{LIST} | xargs -n1 kind load image-archive --name {shlex.quote(kind)}"
    elif k3d != context:
        load = f"{LIST} | xargs k3d image import --cluster {shlex.quote(k3d)}"
    elif context == "minikube":
        load = f"{LIST} | xargs -n1 minikube image load"
    else:
        push = "make push REGISTRY=registry.example/me"
        return f"with a registry that they can reach, {push} && {again} REGISTRY=registry.example/me"
    return f"make images && {load} && {again}"
