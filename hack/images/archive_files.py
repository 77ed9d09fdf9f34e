"""Reads single files out of an image's archive, without an engine and without unpacking it."""

import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from hack.images.progress import BuildError

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


@dataclass(frozen=True)
class Contents:
    """What was looked for in an image: path -> content, and the digest that names the image (hex)."""

    image: str
    files: dict[str, bytes]


def read(archive: Path, wanted: Callable[[str], bool]) -> Contents:
    """The files of a docker archive whose path is ``wanted``, as a container would see them.

    Paths are relative to the root. Links are not followed: none of the files that we look for is one.
    """
    files: dict[str, bytes] = {}
    with tarfile.open(archive) as outer:
        manifest = manifest_of(outer)
        for name in manifest["Layers"]:
            with tarfile.open(fileobj=opened(outer, name)) as inner:
                _lay_over(files, inner, wanted)
    return Contents(manifest["Config"].removesuffix(".json"), files)


def manifest_of(archive: tarfile.TarFile) -> dict[str, Any]:
    """The one image of a docker archive: its ``Config`` and ``Layers``, by the names of their files."""
    [manifest] = json.load(opened(archive, "manifest.json"))
    found: dict[str, Any] = manifest
    return found


def opened(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    """A regular file of an archive.

    Raises:
        BuildError: where it is not one.
    """
    file = archive.extractfile(name)
    if file is None:
        raise BuildError(f"{name} is no file: not an archive that `docker load` takes")
    return file


def _lay_over(files: dict[str, bytes], layer: tarfile.TarFile, wanted: Callable[[str], bool]) -> None:
    # What a layer removes is of the layers below, whatever the order of its own entries.
    fresh: dict[str, bytes] = {}
    for member in layer:
        path = PurePosixPath(member.name)
        if path.name == _OPAQUE:
            _remove(files, str(path.parent))
        elif path.name.startswith(_WHITEOUT):
            _remove(files, str(path.with_name(path.name.removeprefix(_WHITEOUT))))
        elif member.isreg() and wanted(str(path)):
            fresh[str(path)] = opened(layer, member.name).read()
    files.update(fresh)


def _remove(files: dict[str, bytes], gone: str) -> None:
    for path in list(_below(files, gone)):
        del files[path]


def _below(files: dict[str, bytes], folder: str) -> Iterator[str]:
    return (path for path in files if path == folder or path.startswith(f"{folder}/"))
