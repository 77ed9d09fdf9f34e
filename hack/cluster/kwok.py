"""Pretended nodes: kwok plays kubelet for Node objects, by the Stage files beside this module."""

from pathlib import Path

from hack.cluster.api import Api
from hack.cluster.places import SOURCES, State
from hack.cluster.settings import Settings

STAGES = SOURCES / "stages"
ROOM = {"cpu": "10k", "memory": "100Ti", "ephemeral-storage": "100Ti", "pods": "10000"}
"""What a pretended node offers: pods should never wait for room unless a test says so."""


def kwok(state: State, program: Path) -> list[str]:
    """The kwok controller, for all nodes that there are."""
    return [
        str(program),
        f"--kubeconfig={state / 'kubeconfig'}",
        "--manage-all-nodes=true",
        "--node-ip=127.0.0.1",  # asking a pretended node for logs fails at once, on this machine
        "--cidr=10.128.0.1/9",
        "--node-lease-duration-seconds=40",
        *(f"--config={file}" for file in sorted(STAGES.glob("*.yaml"))),
    ]


def node_name(number: int) -> str:
    """The name of a pretended node."""
    return f"kwok-{number}"


def make_nodes(api: Api, settings: Settings) -> bool:
    """Make the Node objects that kwok plays, those that exist stay as they are; whether all of them are there now."""
    for number in range(settings.kwok_nodes):
        name = node_name(number)
        if api.call("GET", f"/api/v1/nodes/{name}") is None:
            labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "type": "kwok"}
            annotations = {"kwok.x-k8s.io/node": "fake"}
            node = {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": name, "labels": labels, "annotations": annotations},
                "status": {"capacity": ROOM, "allocatable": ROOM},
            }
            if api.call("POST", "/api/v1/nodes", node) is None:
                return False
    return True


def ready(api: Api, settings: Settings) -> bool:
    """Whether every pretended node says that pods may come."""
    return all(api.node_ready(node_name(number)) for number in range(settings.kwok_nodes))
