"""One short key for all that an image is made of: the same inputs give the same key, anywhere and at any time."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

_LENGTH = 16


def content_key(root: Path, inputs: Iterable[str], settings: Iterable[str] = ()) -> str:
    """Hash the paths and contents below `root`, and the settings; no times, which a checkout moves.

    An input that does not exist yet counts as absent, so that its appearance changes the key.
    """
    digest = hashlib.sha256()
    for relative, data in _files(root, sorted(set(inputs))):
        _feed(digest, relative.encode(), b"absent" if data is None else hashlib.sha256(data).digest())
    for setting in sorted(settings):
        _feed(digest, b"setting", setting.encode())
    return digest.hexdigest()[:_LENGTH]


def _feed(digest: "hashlib._Hash", *parts: bytes) -> None:
    """Add parts with their lengths, so that no two different lists read as the same bytes."""
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)


def _files(root: Path, inputs: list[str]) -> Iterator[tuple[str, bytes | None]]:
    for relative in inputs:
        path = root / relative
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                if file.is_file() and not _left_out(file.relative_to(root)):
                    mode = "x" if file.stat().st_mode & 0o100 else "-"
                    yield f"{file.relative_to(root).as_posix()} {mode}", file.read_bytes()
        else:
            yield relative, path.read_bytes() if path.exists() else None


def _left_out(relative: Path) -> bool:
    """Say whether .dockerignore keeps the file out: what never gets in must not change the key."""
    return relative.suffix == ".pyc" or not {"__pycache__", "node_modules"}.isdisjoint(relative.parts)
