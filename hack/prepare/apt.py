"""Debian packages: installed by one caller at a time, after whoever else holds apt's locks."""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from hack.prepare.needs import INSTALL

LOCKS = (
    Path("/var/lib/dpkg/lock-frontend"),
    Path("/var/lib/dpkg/lock"),
    Path("/var/lib/apt/lists/lock"),
    Path("/var/cache/apt/archives/lock"),
)
"""What apt and dpkg lock. apt waits for the first two if it is told to, and for the others never."""
UPDATE = ("apt-get", "-o", "DPkg::Lock::Timeout=300", "update")
LOCK_SECONDS = 300.0
REMINDER_SECONDS = 30.0
_LOOK_SECONDS = 0.5

POLICY = Path("/usr/sbin/policy-rc.d")
"""Debian asks this program whether a freshly installed service may start."""
# Who finds it knows that a killed run left it, and that it is no choice of the machine's owner.
_OURS = "# publishbuild: until its packages are installed"
_LOCKED = "Could not get lock"
_FLOCK = "hhqqi4x"
"""struct flock of 64-bit Linux: type, whence, start, length, pid."""

Say = Callable[[str], None]


class AptError(Exception):
    """apt could not install something; the text ends with apt's own reason."""


def install(packages: Sequence[str], say: Say, *, locks: Sequence[Path] = LOCKS) -> None:
    """Install Debian packages as root, without starting their services.

    Raises:
        AptError: apt refused, or its lock was held for five minutes.
    """
    if not shutil.which("apt-get") or os.geteuid():
        raise AptError(
            f"missing on this machine: {' '.join(packages)}; install with: {' '.join((*INSTALL, *packages))}"
        )
    wait_for_locks(say, locks)
    say(f"installing {len(packages)} Debian packages: {' '.join(packages)}")
    with _no_services():
        # A third party's broken source fails this step and need not fail the next.
        update = _run(UPDATE, say, locks)
        done = _run((*INSTALL, *packages), say, locks)
    if done.returncode:
        told = [*(_reasons(update) if update.returncode else []), *_reasons(done)]
        raise AptError(f"apt-get could not install {' '.join(packages)}:\n" + "\n".join(f"  {line}" for line in told))


def update_lists(say: Say) -> None:
    """Fetch apt's lists anew, after whoever holds its locks.

    Raises:
        AptError: apt refused, or its lock was held for five minutes.
    """
    wait_for_locks(say)
    done = _run(UPDATE, say, LOCKS)
    if done.returncode:
        raise AptError("apt-get update failed:\n" + "\n".join(f"  {line}" for line in _reasons(done)))


def wait_for_locks(say: Say, locks: Sequence[Path] = LOCKS, *, seconds: float = LOCK_SECONDS) -> None:
    """Wait until no other process holds apt's locks; say whose they are.

    Raises:
        AptError: they were held all the time.
    """
    deadline, reminder = time.monotonic() + seconds, 0.0
    while (held := next(((lock, pid) for lock in locks if (pid := holder(lock)) is not None), None)) is not None:
        lock, pid = held
        now = time.monotonic()
        if now > deadline:
            raise AptError(f"{lock} was held by {_named(pid)} for {seconds:.0f} s; end it, or wait, and try again")
        if now >= reminder:
            left = f"for at most {deadline - now:.0f} s more" if reminder else f"for at most {seconds:.0f} s"
            say(f"apt is in use by {_named(pid)}, which holds {lock}; waiting for it, {left}")
            reminder = now + REMINDER_SECONDS
        time.sleep(_LOOK_SECONDS)


def holder(lock: Path) -> int | None:
    """The pid of the process that holds a lock file, 0 for one that cannot be seen from here, None for nobody."""
    with suppress(OSError), lock.open("rb+") as file:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked))
        return None if kind == fcntl.F_UNLCK else max(pid, 0)
    return None


def _named(pid: int) -> str:
    with suppress(OSError):
        return f"{Path(f'/proc/{pid}/comm').read_text(encoding='utf-8').strip()} (pid {pid})"
    return f"another process (pid {pid})" if pid else "another process"


def _run(command: Sequence[str], say: Say, locks: Sequence[Path]) -> subprocess.CompletedProcess[str]:
    """Run apt; once more after whoever took its lock between our look and its own."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        done = subprocess.run(
            command, env=quiet, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, errors="replace"
        )
        if not done.returncode or _LOCKED not in done.stderr or time.monotonic() > deadline:
            return done
        wait_for_locks(say, locks)


def _reasons(done: subprocess.CompletedProcess[str]) -> list[str]:
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return [line for line in lines if line.startswith(("E:", "dpkg:"))][-5:] or lines[-5:]


@contextmanager
def _no_services() -> Iterator[None]:
    """Keep fresh services from starting: the cluster starts containerd and Redis itself, with its own settings."""
    own_policy = not POLICY.exists() or _OURS in POLICY.read_text(encoding="utf-8", errors="replace")
    if own_policy:
        POLICY.write_text(f"#!/bin/sh\n{_OURS}\nexit 101\n", encoding="utf-8")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if own_policy:
            POLICY.unlink(missing_ok=True)
