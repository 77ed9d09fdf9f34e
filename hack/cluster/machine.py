"""What the machine has to bring along: Debian packages, and for a real node Linux and root."""

import os
import sys
from contextlib import suppress

from hack.cluster.places import ClusterError
from hack.cluster.processes import MARK, PROC
from hack.cluster.progress import note
from hack.cluster.settings import NodeKind
from hack.prepare import apt
from hack.prepare.machine import has_program
from hack.prepare.needs import PURPOSES, missing_packages


def check(node: NodeKind) -> None:
    """Say in one line what stands in the way of a real node, and what to do instead."""
    if node != "real":
        return
    reason = "needs Linux" if sys.platform != "linux" else "needs root" if os.geteuid() else ""
    if reason:
        raise ClusterError(f"a real node {reason}; pretended nodes do not: NODE=kwok, that is --node kwok")
    # One that just ended has no environment any more: it is nobody's.
    stranger = next((pid for pid in kubelets() if (has := environment(pid)) and MARK.encode() not in has), None)
    if stranger:
        raise ClusterError(
            f"this machine is a node of another cluster already (kubelet, pid {stranger}); two share folders that "
            "cannot be moved; pretended nodes do not: NODE=kwok, that is --node kwok"
        )


def kubelets() -> list[int]:
    """The pids of all kubelets of this machine that run as root: another user's program of that name is none."""
    found = []
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):
            lines = (folder / "status").read_text(encoding="utf-8", errors="replace").splitlines()
            told = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
            if told.get("Name") == "kubelet" and told.get("Uid", "").split()[1:2] == ["0"]:
                found.append(int(folder.name))
    return found


def environment(pid: int) -> bytes:
    """The environment that a process was started with, empty where it cannot be read."""
    with suppress(OSError):
        return (PROC / str(pid) / "environ").read_bytes()
    return b""


def install_missing(node: NodeKind) -> None:
    """Install what is missing where that is possible, else name the command that does."""
    packages = missing_packages(PURPOSES[f"node-{node}"].programs, has_program)
    if packages:
        try:
            apt.install(packages, note)
        except apt.AptError as error:
            raise ClusterError(str(error)) from error
