"""What a real node leaves on its machine when its parts are gone, and how to take it away.

After a `kill -9` nothing has cleaned up after itself, so that this trusts no part: it looks for
what carries the state folder's path or the containers' ids, and removes that alone.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

from hack.cluster.network import run
from hack.cluster.places import State
from hack.cluster.processes import Identity, end, identify
from hack.cluster.settings import Settings

CGROUPS = Path("/sys/fs/cgroup")
SHARED_LINKS = Path("/var/log/containers")
CNI_RESULTS = Path("/var/lib/cni/results")


def container_processes(state: State) -> list[Identity]:
    """Every process whose root file system is a container's of this node."""
    base = f"{state / 'containerd'}/"
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            mounts = (folder / "mountinfo").read_text(encoding="utf-8").splitlines()
        except OSError:
            continue
        root = next((line for line in mounts if line.split()[4] == "/"), "")
        identity = identify(int(folder.name)) if base in root else None
        if identity:
            found.append(identity)
    return found


def containers(state: State) -> dict[str, Path]:
    """The containers that a node has, by their ids, with the folders that their shims keep."""
    tasks = state / "containerd" / "state" / "io.containerd.runtime.v2.task" / "k8s.io"
    return {folder.name: folder for folder in tasks.glob("*")}


def remove_leftovers(state: State, settings: Settings) -> None:
    """Remove all of it; the node's own parts must have ended before."""
    known = containers(state)
    end(container_processes(state))
    for folder in known.values():
        _remove_socket(folder / "address")
    unmount(state)
    _remove_cgroups(set(known))
    for link in SHARED_LINKS.glob("*"):
        if link.is_symlink() and str(link.readlink()).startswith(f"{state / 'pod-logs'}/"):
            link.unlink()
    for result in CNI_RESULTS.glob(f"{settings.link}-*"):
        result.unlink()


def _remove_socket(address: Path) -> None:
    """A shim's socket lies outside the state folder, under a name that only the shim's folder tells."""
    with suppress(OSError):
        Path(address.read_text(encoding="utf-8").removeprefix("unix://")).unlink()


def mounts_below(state: State) -> list[Path]:
    """The mount points of this cluster, innermost first; those of a nested state are not its own."""
    own = [f"{state / name}/" for name in ("containerd", "kubelet")]
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    points = [line.split()[1].encode().decode("unicode_escape") for line in lines]
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
            return
        time.sleep(0.1)
