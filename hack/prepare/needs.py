"""What each target needs of the machine, and what of it is missing: a pure rule over what was looked up.

The one list of the operating system's packages: the cluster and the images ask here too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

REDIS = {"redis-server": "redis-server"}
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
GIT_SSH = {"ssh": "openssh-client", "ssh-keygen": "openssh-client"}
IMAGES = {"buildah": "buildah", "netavark": "netavark", "debootstrap": "debootstrap"}
"""Program -> the Debian package that brings it. A path is looked up as it is, a name on PATH and among helpers.

netavark is only recommended by Debian 13's buildah, which makes no container without it.
"""

GO = "Go modules, of which Kubernetes is compiled"
NPM = "npm packages"

INSTALL = ("apt-get", "-o", "DPkg::Lock::Timeout=300", "install", "--yes", "--no-install-recommends")


@dataclass(frozen=True)
class Purpose:
    """What one target needs: programs, root, an extra of pyproject.toml, what it fetches besides."""

    programs: Mapping[str, str]
    root: bool = False
    extra: str = "demo"
    fetches: tuple[str, ...] = ()


PURPOSES: dict[str, Purpose] = {
    "setup": Purpose({}, extra="dev"),
    "check": Purpose(REDIS, extra="dev"),
    "demo": Purpose({**REDIS, **REAL_NODE, **IMAGES}, root=True, fetches=(GO, NPM)),
    "demo-elsewhere": Purpose({}),
    "test": Purpose({**REDIS, **GIT_SSH, **REAL_NODE, **IMAGES}, root=True, extra="dev", fetches=(GO, NPM)),
    "test-without-root": Purpose({**REDIS, **GIT_SSH}, extra="dev", fetches=(GO, NPM)),
    "node-real": Purpose({**REDIS, **REAL_NODE}, root=True, fetches=(GO,)),
    "node-kwok": Purpose(REDIS, fetches=(GO,)),
    "node-none": Purpose(REDIS, fetches=(GO,)),
    "images": Purpose(IMAGES, root=True, fetches=(NPM,)),
    "images-with-docker": Purpose({"docker": "docker.io"}, fetches=(NPM,)),
}


@dataclass(frozen=True)
class Machine:
    """What was found on this machine; ``fetched`` says whether the target's Python packages are there already."""

    linux: bool
    root: bool
    apt: bool
    venv: bool
    network: bool
    fetched: bool
    has: Callable[[str], bool]


@dataclass(frozen=True)
class Missing:
    """What stands in the way: ``packages`` can be installed by root with apt, each of ``obstacles`` needs a person."""

    packages: tuple[str, ...]
    obstacles: tuple[str, ...]


def missing_packages(programs: Mapping[str, str], has: Callable[[str], bool]) -> tuple[str, ...]:
    """The packages of those programs that are not there, each once, in a fixed order."""
    return tuple(dict.fromkeys(package for program, package in programs.items() if not has(program)))


def look(target: str, purpose: Purpose, machine: Machine) -> Missing:
    """Everything that is missing for a target, at once.

    Args:
        target: the words after ``make``, for the commands that are shown.
        purpose: what it needs.
        machine: what is there.
    """
    packages = missing_packages(purpose.programs, machine.has)
    if not machine.venv:
        packages = ("python3-venv", *packages)
    obstacles = [*_root(target, purpose, machine), *_packages(packages, machine)]
    if not machine.network and (packages or not machine.fetched):
        obstacles.append(_network(packages, purpose, machine))
    return Missing(packages, tuple(obstacles))


def _root(target: str, purpose: Purpose, machine: Machine) -> list[str]:
    if not purpose.root or (machine.root and machine.linux):
        return []
    if not machine.linux:
        return ["Linux     a real node needs it; pretended nodes do not: make cluster-up NODE=kwok"]
    return [f"root      a real node needs it: sudo make {target} (without root: make cluster-up NODE=kwok)"]


def _packages(packages: tuple[str, ...], machine: Machine) -> list[str]:
    if not packages or (machine.root and machine.apt):
        return []
    if not machine.apt:
        return [f"packages  as Debian names them, install with this machine's package manager: {' '.join(packages)}"]
    return [f"packages  sudo apt-get update && sudo {' '.join((*INSTALL, *packages))}"]


def _network(packages: tuple[str, ...], purpose: Purpose, machine: Machine) -> str:
    wanted = [
        *(["Debian packages"] if packages else []),
        *(["Python packages"] if not machine.fetched else []),
        *(purpose.fetches if not machine.fetched else []),
    ]
    return f"network   no route leads out of this machine; needed once, for {', '.join(wanted)}: connect it (ip route)"
