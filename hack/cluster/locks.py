"""Locks between runs of this driver; the kernel drops them when their holder dies."""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hack.cluster.places import cache
from hack.cluster.progress import note


@contextmanager
def held(name: str) -> Iterator[None]:
    """Hold a lock of this user; say so if another run has it, and wait."""
    folder = cache() / "locks"
    folder.mkdir(exist_ok=True)
    with (folder / name).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note(f"waiting for another run that holds {name}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def lock_name(state: Path) -> str:
    """A lock for one state folder; it lies in the cache, since `down` empties the state."""
    return f"state-{hashlib.sha256(str(state).encode()).hexdigest()[:12]}"
