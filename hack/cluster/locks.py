"""Locks between runs of this driver; the kernel drops them when their holder dies."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

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
