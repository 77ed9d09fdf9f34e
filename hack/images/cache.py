"""The folder where finished archives wait: named by what they are made of, replaced whole, pruned, locked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hack.cluster import locks

KEEP_PER_IMAGE = 2


def archive_path(folder: Path, short: str, key: str) -> Path:
    """Return where the archive of that image and content lies, whether it exists or not."""
    return folder / "images" / f"{short}-{key}.tar"


def prune(folder: Path, short: str, keep: int = KEEP_PER_IMAGE, spare: Path | None = None) -> list[Path]:
    """Delete all but the `keep` archives of an image that were used last, never `spare`; return what went.

    Half-written archives of a run that was killed go too: only the holder of the lock writes.
    """
    images = folder / "images"
    found = sorted(images.glob(f"{short}-*.tar"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    gone = [path for path in found[keep:] if path != spare] + list(images.glob(f"{short}-*.tar.part"))
    for path in gone:
        path.unlink(missing_ok=True)
    return gone


@contextmanager
def replaced_whole(target: Path) -> Iterator[Path]:
    """Yield a path that becomes `target` only when the block ends well: no reader ever sees half a file."""
    part = target.with_name(target.name + ".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    part.unlink(missing_ok=True)
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def only_one(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the build lock: two builds at once would export each other's half-tagged images."""
    folder.mkdir(parents=True, exist_ok=True)
    with locks.opened(folder / "images.lock") as lock:
        locks.take(lock, "another build of the images to end", say)
        yield
