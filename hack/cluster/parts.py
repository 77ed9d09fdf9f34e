"""Which parts a cluster has, in the order in which they start, and which of them run."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hack.cluster import control_plane, kwok, node
from hack.cluster.go_builds import PARTS, built
from hack.cluster.places import BIN, State
from hack.cluster.processes import Identity, noted
from hack.cluster.settings import Settings

CONTROL_PLANE = ("redis", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
REAL_NODE = ("containerd", "kubelet", "kube-proxy", "coredns")


def part_names(settings: Settings) -> tuple[str, ...]:
    """The parts of a cluster with these settings."""
    return {"real": (*CONTROL_PLANE, *REAL_NODE), "kwok": (*CONTROL_PLANE, "kwok"), "none": CONTROL_PLANE}[
        settings.node
    ]


def running(state: State, settings: Settings) -> dict[str, Identity | None]:
    """Each part and its process, None for one that does not run."""
    return {name: noted(state, name) for name in part_names(settings)}


@dataclass(frozen=True)
class Programs:
    """The programs that the parts are, built where they were not before."""

    components: Path
    kwok: Path | None
    pki: Path

    @classmethod
    def prepare(cls, settings: Settings) -> "Programs":
        """Build what is missing and link it where people look for it."""
        programs = cls(built("components").parent, built("kwok") if settings.node == "kwok" else None, built("pki"))
        wanted = {name: programs.components / name for name in PARTS}
        if programs.kwok:
            wanted["kwok"] = programs.kwok
        for name, target in wanted.items():
            link(name, target)
        return programs


def link(name: str, target: Path) -> None:
    """Point a name in the bin folder at a program; another user's folder is left as it is."""
    place, fresh = BIN / name, BIN / f".{name}.new"
    try:
        BIN.mkdir(parents=True, exist_ok=True)
        if not place.is_symlink() or place.readlink() != target:
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(target)
            fresh.replace(place)
    except OSError:
        if os.access(BIN, os.W_OK):
            raise


def command_of(name: str, state: State, settings: Settings, programs: Programs) -> list[str]:
    """The command line of a part; its configuration files are written on the way."""
    from_components: dict[str, Callable[[State, Settings, Path], list[str]]] = {
        "etcd": control_plane.etcd,
        "kube-apiserver": control_plane.api_server,
        "kube-controller-manager": control_plane.controllers,
        "kube-scheduler": control_plane.scheduler,
        "kubelet": node.kubelet,
        "kube-proxy": node.proxy,
        "coredns": node.dns,
    }
    if name in from_components:
        return from_components[name](state, settings, programs.components)
    if name == "kwok" and programs.kwok:
        return kwok.kwok(state, programs.kwok)
    return {"redis": control_plane.redis, "containerd": node.containerd}[name](state, settings)
