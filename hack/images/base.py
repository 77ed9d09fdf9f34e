"""The base image where no image registry can be reached: a small Debian with Python, made once by debootstrap."""

import os
import platform
import shutil
import tempfile
from pathlib import Path

from hack.images import debian
from hack.images.cache import replaced_whole
from hack.images.catalogue import BASE_REPOSITORY, ROOT
from hack.images.content_key import content_key
from hack.images.engine import EPOCH, Engine, Recipe
from hack.images.progress import Progress, Step

SUITE = "bookworm"
PACKAGES = ("ca-certificates", "python3", "python3-venv")
# Of no use in an image: what apt fetches again by itself, texts for readers, and this host's own names.
NEEDLESS = (
    "etc/hostname",
    "etc/resolv.conf",
    "usr/share/doc",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt",
    "var/cache/debconf",
    "var/cache/ldconfig",
    "var/lib/apt/lists",
    "var/log",
)
_DOCKERFILE = "hack/images/base.Dockerfile"


def base_key() -> str:
    """Name the base by what it is made of. The mirror is left out: every mirror holds the same packages."""
    settings = [SUITE, platform.machine(), f"epoch {EPOCH}", f"packages {PACKAGES}", f"without {NEEDLESS}"]
    return content_key(ROOT, [_DOCKERFILE], settings)


def ensure_base(folder: Path, builder: Engine, progress: Progress, fresh: bool) -> str:
    """Return the name of the base image, made now if it is not there yet, from the tree that is kept or a new one."""
    name = f"{BASE_REPOSITORY}:{base_key()}"
    if builder.has(name) and not fresh:
        return name
    context = folder / "base" / base_key()
    tree = context / "rootfs.tar"
    if fresh or not tree.exists():
        debian.install_missing(["debootstrap"], progress)
        mirror = debian.mirror(progress)
        with progress.step(f"base: debootstrap {SUITE} (once)") as step, replaced_whole(tree) as part:
            _debootstrap(step, mirror, part)
            step.note = f"{part.stat().st_size / 1e6:.0f} MB"
    with progress.step("base: into an image") as step:
        builder.build(step, Recipe(name, ROOT / _DOCKERFILE, context))
    return name


def _debootstrap(step: Step, mirror: str, archive: Path) -> None:
    include = f"--include={','.join(PACKAGES)}"
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix="rootfs-") as scratch:
        rootfs = Path(scratch) / "rootfs"
        try:
            step.run(["debootstrap", "--variant=minbase", include, SUITE, str(rootfs), mirror], env=_same_each_time())
            for path in NEEDLESS:
                _empty(rootfs / path)
            step.run(["tar", "--numeric-owner", "--sort=name", "-C", str(rootfs), "-cf", str(archive), "."])
        finally:
            # A debootstrap that failed may leave /proc mounted in there: no deletion may follow it.
            _forget(step, rootfs)


def _same_each_time() -> dict[str, str]:
    """Byte code the same each time, and valid by its source's content: the image's files have no times of theirs."""
    return {**os.environ, "PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": str(EPOCH)}


def _empty(path: Path) -> None:
    """Delete a file, or all that a folder holds: programs expect the folder itself."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
        path.mkdir()
    else:
        path.unlink(missing_ok=True)


def _forget(step: Step, rootfs: Path) -> None:
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
    for mount in sorted((m for m in mounts if m.startswith(f"{rootfs}/")), reverse=True):
        step.run(["umount", "--lazy", mount])
    step.run(["rm", "-rf", "--one-file-system", str(rootfs)])
