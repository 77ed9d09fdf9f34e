"""Locks between runs of these drivers; the kernel drops them when their holder dies.

A lock's file is its owner's alone: whoever may open one can hold it for ever.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from hack.cluster.holders import PROC, program
from hack.cluster.places import cache
from hack.cluster.progress import note

AGAIN_SECONDS = 30.0
"""So often the wait is told again."""
_LOOK_SECONDS = 0.2


@contextmanager
def held(name: str) -> Iterator[None]:
    """Hold a lock of this user; say who has it if another run does, and wait."""
    folder = cache() / "locks"
    folder.mkdir(exist_ok=True)
    with opened(folder / name) as file:
        take(file, name, note)
        yield


def opened(path: Path) -> IO[str]:
    """A lock's file, closed to other users also where an earlier version made it; what is in it stays."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with suppress(PermissionError):  # another user's: it can still be waited for
        os.fchmod(descriptor, 0o600)
    return os.fdopen(descriptor, "a+", encoding="utf-8")


def take(file: IO[str], what: str, say: Callable[[str], None], *, how: int = fcntl.LOCK_EX) -> None:
    """Take the lock. While another program has it, say so, with its name and pid, now and every `AGAIN_SECONDS`."""
    began, told = time.monotonic(), float("-inf")
    while True:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() - told > AGAIN_SECONDS:
                waited = f", for {time.monotonic() - began:.0f} s so far" if told > began else ""
                say(f"waiting for {what}: {holder(file)} has its lock{waited}")
                told = time.monotonic()
            time.sleep(_LOOK_SECONDS)
        else:
            return


def holder(file: IO[str]) -> str:
    """Who holds a lock, as ``make (pid 12)``; "another program" where the kernel does not tell."""
    found = os.fstat(file.fileno())
    number = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    with suppress(OSError):
        for line in (PROC / "locks").read_text(encoding="ascii").splitlines():
            fields = line.split()
            # A line of a lock that is waited for has an arrow in front of the kind.
            if fields[1] == "FLOCK" and fields[5] == number and int(fields[4]) > 0:
                return program(int(fields[4]))
    return "another program"
