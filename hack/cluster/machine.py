"""What the machine has to bring along: Debian packages, and for a real node Linux and root."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hack.cluster.places import ClusterError
from hack.cluster.processes import MARK
from hack.cluster.progress import note
from hack.cluster.settings import NodeKind

EVERY_CLUSTER = {"redis-server": "redis-server"}
REAL_NODE = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "busybox": "busybox-static",
}
"""Which package brings which program."""

POLICY = Path("/usr/sbin/policy-rc.d")
"""Debian asks this program whether a freshly installed service may start."""


def _is_there(program: str) -> bool:
    return Path(program).exists() if program.startswith("/") else shutil.which(program) is not None


def missing_packages(node: NodeKind, is_there: Callable[[str], bool] = _is_there) -> list[str]:
    """The Debian packages that a cluster needs and the machine lacks, each once, in a fixed order."""
    needed = EVERY_CLUSTER | (REAL_NODE if node == "real" else {})
    return list(dict.fromkeys(package for program, package in needed.items() if not is_there(program)))


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
    """The pids of all kubelets of this machine, whosever they are."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (folder / "comm").read_text(encoding="utf-8").strip() == "kubelet":
                found.append(int(folder.name))
    return found


def environment(pid: int) -> bytes:
    """The environment that a process was started with, empty where it cannot be read."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes()
    return b""


def install_missing(node: NodeKind) -> None:
    """Install what is missing where that is possible, else name the command that does."""
    packages = missing_packages(node)
    if not packages:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if not shutil.which("apt-get") or os.geteuid():
        raise ClusterError(f"missing on this machine: {' '.join(packages)}; install with: {' '.join(command)}")
    note(f"installing Debian packages: {' '.join(packages)}")
    own_policy = not POLICY.exists()
    if own_policy:  # the cluster starts containerd and Redis itself, with its own settings
        POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
        POLICY.chmod(0o755)
    try:
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for step in (["apt-get", "update"], command):
            done = subprocess.run(step, env=quiet, capture_output=True, text=True, check=False)
            if done.returncode:
                raise ClusterError(f"{' '.join(step)} failed: {done.stderr.strip()[-500:]}")
    finally:
        if own_policy:
            with suppress(OSError):
                POLICY.unlink()
