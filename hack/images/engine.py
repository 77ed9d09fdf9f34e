"""The two programs that can build here, behind the three verbs that this driver needs."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from hack.images import debian, leftovers
from hack.images.progress import BuildError, Progress, Step

_ENOUGH = 32_768

EPOCH = 315532800
"""The time of every file and step, so that the same tree gives the same image: 1980, the oldest that zip can say."""


@dataclass(frozen=True)
class Recipe:
    """All that one build is told."""

    name: str
    dockerfile: Path
    context: Path
    target: str | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    cached: bool = True

    def options(self) -> list[str]:
        """Return the options that buildah and docker have in common."""
        arguments = [part for key, value in self.args.items() for part in ("--build-arg", f"{key}={value}")]
        target = ["--target", self.target] if self.target else []
        cache = [] if self.cached else ["--no-cache"]
        return [*cache, *arguments, *target, "--tag", self.name, "--file", str(self.dockerfile), str(self.context)]


class Engine(Protocol):
    """What can build images here."""

    name: str

    def build(self, step: Step, recipe: Recipe) -> None:
        """Build one image; steps that nothing has changed come from the engine's own cache."""

    def has(self, name: str) -> bool:
        """Say whether an image of that name is in the engine's storage."""

    def export(self, step: Step, name: str, archive: Path) -> None:
        """Write the image as an archive that containerd and docker can load."""

    def push(self, step: Step, archive: Path, name: str, target: str) -> None:
        """Push the image of an archive, which calls it ``name``, to a registry, under the name ``target``."""


@dataclass
class Buildah:
    """Builds as root on Linux: no daemon, no container runtime, a chroot is enough for trusted Dockerfiles."""

    folder: Path
    mounts: Sequence[str] = ()
    name: str = "buildah"

    def build(self, step: Step, recipe: Recipe) -> None:
        """Run `buildah bud`. The host's registry settings come in as mounts, and leave no trace."""
        command = ["buildah", "bud", "--isolation", "chroot", "--network", "host", "--layers"]
        command += ["--timestamp", str(EPOCH)]
        # Debian 13's buildah asks for a million files and processes unless told otherwise; lower limits refuse that.
        # Debian 12's has lowered the processes to 32,768 before it looks, and cannot go back above.
        for name, limit in (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC)):
            command += ["--ulimit", f"{name}={_limits(*resource.getrlimit(limit))}"]
        try:
            printed = step.run([*command, *self.mounts, *recipe.options()])
        finally:
            leftovers.remove_working_containers()
        leftovers.remove(leftovers.retire(self.folder, recipe.name, leftovers.steps_in(printed)))

    def has(self, name: str) -> bool:
        """Ask the storage."""
        return _answers("buildah", "images", "--quiet", name)

    def export(self, step: Step, name: str, archive: Path) -> None:
        """Push to a file, uncompressed: compressing would take longer than every later read saves."""
        step.run(["buildah", "push", "--quiet", name, f"docker-archive:{archive}:{name}"])

    def push(self, step: Step, archive: Path, name: str, target: str) -> None:
        """Pull from the file, then push. A registry on this machine may speak plain HTTP, as with Docker."""
        step.run(["buildah", "pull", "--quiet", f"docker-archive:{archive}"])
        plain = ["--tls-verify=false"] if target.partition(":")[0] in {"localhost", "127.0.0.1"} else []
        step.run(["buildah", "push", "--quiet", *plain, name, f"docker://{target}"])


@dataclass
class Docker:
    """The way where a Docker engine runs instead, such as a laptop. Not tried on this project's machines."""

    name: str = "docker"

    def build(self, step: Step, recipe: Recipe) -> None:
        """Run `docker build` with BuildKit, which alone leaves out the stages that a target does not need."""
        environ = {**os.environ, "DOCKER_BUILDKIT": "1", "SOURCE_DATE_EPOCH": str(EPOCH)}
        step.run(["docker", "build", "--progress", "plain", *recipe.options()], env=environ)

    def has(self, name: str) -> bool:
        """Ask the engine."""
        return _answers("docker", "image", "inspect", name)

    def export(self, step: Step, name: str, archive: Path) -> None:
        """Run `docker save`."""
        step.run(["docker", "save", "--output", str(archive), name])

    def push(self, step: Step, archive: Path, name: str, target: str) -> None:
        """Load the file, then push it under the new name."""
        step.run(["docker", "load", "--quiet", "--input", str(archive)])
        step.run(["docker", "tag", name, target])
        step.run(["docker", "push", "--quiet", target])


def default_bases() -> str:
    """Say what to start from when nobody chose: a base made here needs root on Linux, as buildah does."""
    return "local" if _is_linux_root() else "public"


def choose(progress: Progress, folder: Path, mounts: Sequence[str]) -> Engine:
    """Return buildah where it can work (root, Linux), else a Docker engine that answers, else say what is missing."""
    if _is_linux_root():
        debian.install_missing(["buildah", "netavark"], progress)
        return Buildah(folder, mounts)
    if shutil.which("docker") is None or not _answers("docker", "info"):
        raise BuildError("images need root on Linux (buildah) or a running Docker engine: use sudo, or start Docker")
    return Docker()


def _limits(soft: int, hard: int) -> str:
    """A soft and a hard limit as buildah writes them: no more than this process has, and than any build needs."""
    known = [_ENOUGH if value == resource.RLIM_INFINITY else min(value, _ENOUGH) for value in (soft, hard)]
    return f"{known[0]}:{known[1]}"


def _is_linux_root() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0


def _answers(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=20).returncode == 0
    except subprocess.TimeoutExpired:
        return False
