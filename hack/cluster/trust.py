"""Whose files to believe: on a shared machine, others too may name a folder to us, or put a file into one of ours."""

import json
import os
import stat
from pathlib import Path
from typing import Any

from hack.prepare.surroundings import user_name

REPOSITORY = Path(__file__).resolve().parents[2]
LARGEST = 65_536
"""Bytes of the largest note that is read; ours are far smaller."""


def owners() -> set[int]:
    """The users whose files are believed: this one, and the owner of this clone, whose code runs here anyway."""
    return {os.geteuid(), REPOSITORY.stat().st_uid}


def is_trusted(path: Path) -> bool:
    """Whether a file or folder belongs to such a user and nobody else may write to it; False where there is none."""
    try:
        return not objection(path.lstat())
    except (OSError, ValueError):
        return False


def close(folder: Path, most: int) -> None:
    """Take from a folder the permissions beyond ``most``; a link is left alone."""
    found = folder.lstat()
    if stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) & ~most:
        folder.chmod(stat.S_IMODE(found.st_mode) & most)


def objection(found: os.stat_result) -> str:
    """Why a file or folder is not believed, empty where it is."""
    if found.st_uid not in owners():
        return f"belongs to another user, {user_name(found.st_uid)}"
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"may be written by other users (mode {stat.S_IMODE(found.st_mode):04o})"
    return ""


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a small file that is believed; a pipe or a link in its place is never waited for nor followed.

    Raises:
        OSError: it cannot be opened.
        ValueError: it is not believed, or holds something else.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("is no regular file")
        if why := objection(found):
            raise ValueError(why)
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise ValueError(f"is larger than {LARGEST} bytes")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("holds no JSON" if text else "is empty") from None
    if not isinstance(value, dict):
        raise ValueError("holds no JSON object")  # noqa: TRY004  # about the file, not about an argument
    return value
