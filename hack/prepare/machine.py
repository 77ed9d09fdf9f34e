"""What is on this machine: looked up, never changed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from hack.prepare import venv
from hack.prepare.needs import Machine, Purpose

HELPERS = tuple(
    Path(folder, "podman") for folder in ("/usr/lib", "/usr/libexec", "/usr/local/lib", "/usr/local/libexec")
)


def this_machine(purpose: Purpose) -> Machine:
    """What is there of what a purpose may ask for."""
    return Machine(
        linux=sys.platform == "linux",
        root=os.geteuid() == 0,
        apt=shutil.which("apt-get") is not None,
        venv=importlib.util.find_spec("ensurepip") is not None,
        network=has_route(),
        fetched=venv.is_ready(purpose.extra),
        has=has_program,
    )


def has_program(program: str) -> bool:
    """Whether a program is there: a path as it is, a name on PATH or where buildah keeps its helpers."""
    if program.startswith("/"):
        return Path(program).exists()
    return shutil.which(program) is not None or any((folder / program).exists() for folder in HELPERS)


def has_route() -> bool:
    """Whether any route leads out of this machine; elsewhere than on Linux, nobody asked."""
    four, six = Path("/proc/net/route"), Path("/proc/net/ipv6_route")
    if not four.exists():
        return True
    lines = four.read_text(encoding="utf-8").splitlines()[1:]
    lines += six.read_text(encoding="utf-8").splitlines() if six.exists() else []
    return any(line.split()[0] != "lo" and line.split()[-1] != "lo" for line in lines if line.strip())
