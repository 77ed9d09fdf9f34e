"""How each of the commands here begins, whatever it was started from, and how it tells what the system refused.

Imports nothing but the standard library: `hack.prepare` runs before there is an environment.
"""

from __future__ import annotations

import os
import pwd
import shlex
import signal
import sys
from collections.abc import Mapping
from pathlib import Path


def settle() -> None:
    """Drop settings of the caller's that would harm: nobody but the owner writes to what is made from here on.

    A relative XDG_CACHE_HOME counts as unset, as its rule demands: pip would follow it into the tree, and Go stops.
    """
    os.umask(os.umask(0o077) | 0o022)
    if not Path(os.environ.get("XDG_CACHE_HOME", "/")).is_absolute():
        del os.environ["XDG_CACHE_HOME"]


def end_by_exit() -> None:
    """Let SIGTERM, and a terminal that goes away, end this program by SystemExit: what it made is cleared up then."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The project's cache, after the XDG rule: an empty or relative XDG_CACHE_HOME counts as unset."""
    configured = Path(environ.get("XDG_CACHE_HOME", ""))
    home = Path(environ.get("HOME") or Path.home())
    return (configured if configured.is_absolute() else home / ".cache") / "publishbuild"


def in_words(error: OSError) -> str:
    """What the system refused, in one line: where, why, and what to do about a file of another user."""
    reason = error.strerror or str(error)
    if not error.filename:
        return reason
    path = Path(os.fsdecode(error.filename))
    told = f"{path}: {reason}"
    other = _others(path) if isinstance(error, PermissionError) else None
    if not other:
        return told
    place, owner = other
    mine = shlex.join(["sudo", "chown", "-R", user_name(os.geteuid()), str(place)])
    return f"{told}; {place} belongs to {owner}: run this as {owner}, too, or, while no cluster is up in it, {mine}"


def _others(path: Path) -> tuple[Path, str] | None:
    """The file or the folder above it that another user has, and that user's name."""
    for place in (path, *path.parents):
        try:
            uid = place.lstat().st_uid
        except OSError:
            continue
        return None if uid == os.geteuid() else (place, user_name(uid))
    return None


def user_name(uid: int) -> str:
    """A user's name, or the number where none belongs to it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
