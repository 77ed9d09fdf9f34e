"""What a real node leaves on its machine when its parts are gone, and how to take it away.

After a `kill -9` nothing has cleaned up after itself, so that this trusts no part: it looks for
what carries the state folder's path or the containers' ids, and removes that alone.
"""

import hashlib
import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

from hack.cluster.machine import kubelets
from hack.cluster.network import run
from hack.cluster.places import State, unescaped
from hack.cluster.processes import Identity, end, identify
from hack.cluster.settings import Settings

CGROUPS = Path("/sys/fs/cgroup")
SHARED_LINKS = Path("/var/log/containers")
CNI_RESULTS = Path("/var/lib/cni/results")
DEVICE_PLUGINS = Path("/var/lib/kubelet/device-plugins")
SHIM_SOCKETS = Path("/run/containerd/s")
RUNC_STATE = Path("/run/containerd/runc/k8s.io")
EMPTIED = (
    RUNC_STATE,
    RUNC_STATE.parent,
    CNI_RESULTS,
    CNI_RESULTS.parent,
    SHARED_LINKS,
    DEVICE_PLUGINS,
    DEVICE_PLUGINS.parent,
    SHIM_SOCKETS,
    Path("/run/containerd/fifo"),
    Path("/run/containerd"),
)
"""Folders whose places the parts have built in, removed where nothing is left in them."""


def container_processes(state: State) -> list[Identity]:
    """Every process whose root file system is a container's of this node."""
    base = f"{state / 'containerd'}/"
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            mounts = (folder / "mountinfo").read_bytes().splitlines()
        except OSError:
            continue
        root = next((line for line in mounts if line.split()[4] == b"/"), b"")
        identity = identify(int(folder.name)) if base in unescaped(root) else None
        if identity:
            found.append(identity)
    return found


def containers(state: State) -> set[str]:
    """The ids of all containers that the node ever had, as containerd's log tells them."""
    log = state / "logs" / "containerd.log"
    return (
        set(re.findall(r"\b[0-9a-f]{64}\b", log.read_text(encoding="utf-8", errors="replace")))
        if log.exists()
        else set()
    )


def remove_leftovers(state: State, settings: Settings) -> None:
    """Remove all of it; the node's own parts must have ended before."""
    ids = containers(state)
    end(container_processes(state))
    for socket in shim_sockets(state, ids):
        socket.unlink(missing_ok=True)
    unmount(state)
    for container in ids:
        shutil.rmtree(RUNC_STATE / container, ignore_errors=True)
    _remove_cgroups(ids)
    for link in SHARED_LINKS.glob("*"):
        if link.is_symlink() and str(link.readlink()).startswith(f"{state / 'pod-logs'}/"):
            link.unlink()
    for result in CNI_RESULTS.glob("*"):
        if result.name.startswith(f"{settings.link}-") or ids.intersection(result.name.split("-")):
            result.unlink()
    if not kubelets():
        for name in ("kubelet.sock", "kubelet_internal_checkpoint"):
            (DEVICE_PLUGINS / name).unlink(missing_ok=True)
    for folder in EMPTIED:
        with suppress(OSError):  # not empty: somebody else's
            folder.rmdir()


def shim_sockets(state: State, ids: set[str]) -> list[Path]:
    """Where the containers' shims listen: a fixed folder, under names made of containerd's address and the ids."""
    keys = (f"{state.socket}/k8s.io/{container}" for container in sorted(ids))
    return [SHIM_SOCKETS / hashlib.sha256(key.encode()).hexdigest() for key in keys]


def mounts_below(state: State) -> list[Path]:
    """The mount points of this cluster, innermost first; those of a nested state are not its own."""
    own = [f"{state / name}/" for name in ("containerd", "kubelet")]
    lines = Path("/proc/self/mounts").read_bytes().splitlines()
    points = [unescaped(line.split()[1]) for line in lines]
    return [Path(point) for point in reversed(points) if any(f"{point}/".startswith(base) for base in own)]


def unmount(state: State) -> None:
    """Unmount everything below the state; detached, so that a straggler cannot hold it."""
    while points := mounts_below(state):
        run("umount", "--lazy", *map(str, points), check=False)
        if mounts_below(state) == points:
            break


def _remove_cgroups(ids: set[str]) -> None:
    """Remove the containers' cgroups, which need a moment to become empty."""
    for _ in range(50):
        left = False
        for folder, names, _files in os.walk(CGROUPS, topdown=False):
            for name in ids.intersection(names):
                try:
                    Path(folder, name).rmdir()
                except OSError:
                    left = True
        if not left:
            break
        time.sleep(0.1)
    for parent in [*CGROUPS.glob("k8s.io"), *CGROUPS.glob("*/k8s.io")] if ids else ():
        with suppress(OSError):  # another node's containers are in it
            parent.rmdir()
