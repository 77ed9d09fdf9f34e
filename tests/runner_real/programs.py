"""Programs that a test wants and that the host may lack: unpacked from Debian's packages, nothing is installed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.runner_real.node import cache_folder


def find_program(name: str, *packages: str) -> tuple[Path, dict[str, str]]:
    """The program, and the environment that it needs; skips the test with one line where there is no way to it."""
    for folder in (*os.environ["PATH"].split(":"), "/usr/sbin", "/usr/libexec"):
        if (found := Path(folder) / name).exists():
            return found, {}
    cache = cache_folder() / f"debian-{name}"
    try:
        if not cache.exists():
            _unpack(cache, packages)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(f"no {name} here, and apt-get download {' '.join(packages)} did not bring it")
    found = next(path for path in cache.glob("usr/*bin/*") if path.name == name)
    libraries = ":".join(str(path) for path in cache.glob("usr/lib/*-linux-gnu"))
    return found, {"LD_LIBRARY_PATH": libraries} if libraries else {}


def _unpack(folder: Path, packages: tuple[str, ...]) -> None:
    fresh = folder.with_name(f"{folder.name}.{os.getpid()}")
    fresh.mkdir(parents=True)
    subprocess.run(("apt-get", "download", *packages), cwd=fresh, check=True, capture_output=True)
    for archive in list(fresh.glob("*.deb")):
        subprocess.run(("dpkg", "-x", str(archive), str(fresh)), check=True, capture_output=True)
        archive.unlink()
    fresh.rename(folder)
