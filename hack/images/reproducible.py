"""Builds images twice from nothing, and says what differs: `python -m hack.images reproducible`."""

import hashlib
import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path

from hack.images.archive_files import manifest_of, opened
from hack.images.build import Options, build
from hack.images.catalogue import in_build_order
from hack.images.progress import BuildError, Progress

_SHOWN = 200


def compare(folder: Path, only: Collection[str], bases: str, progress: Progress) -> None:
    """Build twice, with a base made anew where it is a local one and no step out of a cache.

    Raises:
        BuildError: where an image has another digest the second time; it names the files.
    """
    options = Options(only, bases, fresh_base=bases == "local", cached=False)
    seen: list[dict[str, Path]] = []
    for round_ in ("first", "second"):
        progress.say(f"{round_} build, from nothing")
        made = {}
        images = in_build_order(only)
        for image, archive in zip(images, build(folder, options, progress), strict=True):
            made[image.short] = archive.with_name(f"{image.short}-{round_}.tar")
            made[image.short].unlink(missing_ok=True)
            made[image.short].hardlink_to(archive)
        seen.append(made)
    try:
        differing = [short for short in seen[0] if not _same(seen[0][short], seen[1][short], short, progress)]
    finally:
        for archive in (archive for made in seen for archive in made.values()):
            archive.unlink()
    if differing:
        raise BuildError(f"not the same the second time: {', '.join(differing)}")


def digest(archive: Path) -> str:
    """The digest of an image's configuration, which holds those of its layers: the image's name by content."""
    with tarfile.open(archive) as outer:
        manifest = manifest_of(outer)
    return f"sha256:{manifest['Config'].removesuffix('.json')}"


def _same(first: Path, second: Path, short: str, progress: Progress) -> bool:
    if digest(first) == digest(second):
        progress.say(f"✓ {short}: {digest(first)} both times")
        return True
    told = list(differences(first, second))
    for line in told[:_SHOWN]:
        progress.say(f"  {short}: {line}")
    if told[_SHOWN:]:
        progress.say(f"  {short}: and {len(told) - _SHOWN} more")
    return False


def differences(first: Path, second: Path) -> Iterator[str]:
    """What two archives of an image differ in: a line for each file, or for a change of settings alone."""
    one, other = _entries(first), _entries(second)
    for path in sorted(one.keys() | other.keys()):
        if one.get(path) != other.get(path):
            yield f"{path}: {one.get(path, 'absent')} -> {other.get(path, 'absent')}"
    if one == other:
        yield "no file differs: the settings or their history do"


def _entries(archive: Path) -> dict[str, str]:
    found = {}
    with tarfile.open(archive) as outer:
        manifest = manifest_of(outer)
        for number, name in enumerate(manifest["Layers"]):
            with tarfile.open(fileobj=opened(outer, name)) as layer:
                for member in layer:
                    found[f"layer {number} {member.name}"] = _told(layer, member)
    return found


def _told(layer: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    content = hashlib.sha256(opened(layer, member.name).read()).hexdigest()[:8] if member.isreg() else member.linkname
    return f"{member.mode:o} {member.uid}:{member.gid} {member.size} {member.mtime:.0f} {content}"
