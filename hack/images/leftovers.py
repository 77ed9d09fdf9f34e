"""Which images in buildah's storage this driver made earlier and needs no longer.

A build leaves a nameless image for each step: they are its cache. `buildah rmi --prune` would drop the cache of every
stage but the last, and other people's work with it. So each build's own list is kept beside the archives, and what
was on the last list of an image, and is on no list any more, goes.
"""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

_WORKING = re.compile(r"^publishbuild-[a-z]+-working-container(-\d+)?$")
# buildah prints "--> ID" after each step, shortened where it was run and in full where it came from the cache.
_STEP = re.compile(r"^--> (?:Using cache )?(?P<id>[0-9a-f]{11})")


def steps_in(lines: Iterable[str]) -> set[str]:
    """Return the short ids of all the steps that a build went through, run or cached."""
    return {found["id"] for line in lines if (found := _STEP.match(line))}


def retire(folder: Path, image: str, steps: set[str]) -> set[str]:
    """Put the steps down as those of this image's newest build; return the ids that no image's build needs now."""
    lists = folder / "images" / "steps"
    lists.mkdir(parents=True, exist_ok=True)
    mine = lists / re.sub(r"[^a-z0-9-]", "_", image)
    before = set(mine.read_text("utf-8").split()) if mine.exists() else set()
    mine.write_text("\n".join(sorted(steps)), "utf-8")
    needed = {step for other in lists.iterdir() for step in other.read_text("utf-8").split()}
    return before - needed


def remove_working_containers() -> None:
    """Remove the containers in which builds ran, and their mounts: buildah forgets those of stages it only copies from.

    They are told by the images they start from, which are this driver's own; its lock keeps other builds of it away.
    """
    listed = subprocess.run(
        ["buildah", "containers", "--format", "{{.ContainerName}}"], capture_output=True, text=True, check=False
    )
    ours = [name for name in listed.stdout.split() if _WORKING.match(name)]
    if ours:
        subprocess.run(["buildah", "rm", *ours], capture_output=True, check=False)


def remove(ids: set[str]) -> None:
    """Delete images, children before parents; one that something else has come to build on refuses, and stays."""
    remaining = set(ids)
    while remaining:
        gone = {step for step in remaining if _removed(step)}
        if not gone:
            return
        remaining -= gone


def _removed(step: str) -> bool:
    return subprocess.run(["buildah", "rmi", step], capture_output=True, check=False).returncode == 0
