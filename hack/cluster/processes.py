"""Processes of a cluster: start them so that they outlive us, know them again, end only them.

A pid alone proves nothing: after a crash the number may belong to a stranger. A process is ours
if it still has the start time that was noted beside its pid, or if it carries the mark that
every process of a cluster inherits in its environment; children that outlive their parents,
such as containerd's shims, are found by that mark.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.places import State, write_private
from hack.cluster.proxies import past_proxies
from hack.cluster.trust import is_trusted, read_object

MARK = "PUBLISHBUILD_CLUSTER"
PROC = Path("/proc")


@dataclass(frozen=True)
class Identity:
    """One process, told apart from an earlier or later one with the same pid."""

    pid: int
    started: str


def identify(pid: int) -> Identity | None:
    """The process that has this pid now; None if none has, or it ended and only waits to be reaped."""
    if not (PROC / "self" / "stat").exists():
        return _identify_by_ps(pid)
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    return None if fields[0] in "ZX" else Identity(pid, f"{boot}/{fields[19]}")


def _identify_by_ps(pid: int) -> Identity | None:
    """The same where there is no /proc, as on a Mac: to the second, which is the best ps can tell."""
    told = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, started = told.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else Identity(pid, started.strip())


def noted(state: State, name: str) -> Identity | None:
    """The running process of a part, by its pid file; a stale file counts as no process, and so does another user's.

    Whoever writes that file chooses what is killed.
    """
    try:
        if not is_trusted(state / "pids"):
            return None
        note = Identity(**read_object(state / "pids" / f"{name}.json"))
        return note if identify(note.pid) == note else None
    except (OSError, ValueError, TypeError):
        return None


def start(state: State, name: str, argv: list[str]) -> Identity:
    """Start a part in a session of its own, its output in the logs, and note who it is."""
    environment = {**past_proxies(os.environ), MARK: str(state.root)}
    with (state / "logs" / f"{name}.log").open("ab") as log:
        log.write(f"\n--- {time.strftime('%FT%TZ', time.gmtime())} {' '.join(argv)}\n".encode())
        log.flush()
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
            cwd="/",
            umask=0o022,  # ours is closed; containers run as other users and read what these parts write
        )
    identity = identify(process.pid) or Identity(process.pid, "ended at once")
    write_private(state / "pids" / f"{name}.json", json.dumps(identity.__dict__) + "\n")
    process.returncode = 0  # ours no longer: without this, Python warns that it still runs
    return identity


def _environments() -> Iterator[tuple[int, list[bytes]]]:
    """Every process that we may look into, with its environment."""
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile, or belongs to another user
            yield int(folder.name), (folder / "environ").read_bytes().split(b"\0")


def marked(state: State) -> list[Identity]:
    """Every process that carries this cluster's mark, pid file or not."""
    mark = f"{MARK}={state.root}".encode()
    pids = [pid for pid, environment in _environments() if mark in environment and pid != os.getpid()]
    return [identity for pid in pids if (identity := identify(pid))]


def marks(also: str = "") -> list[str]:
    """The state folders of all clusters that have a process, or one with ``also`` (NAME=value) in its environment."""
    mark = f"{MARK}=".encode()
    found = (environment for _, environment in _environments() if not also or also.encode() in environment)
    values = (value for environment in found for value in environment if value.startswith(mark))
    return sorted({os.fsdecode(value.removeprefix(mark)) for value in values})


def trusted_states(also: str = "") -> list[State]:
    """The clusters of `marks` in folders that are believed: anybody can start a process that names a folder."""
    return [State(Path(root)) for root in marks(also) if os.path.isabs(root) and is_trusted(Path(root))]  # noqa: PTH117


def end(identities: list[Identity], *, patience: float = 0) -> None:
    """End processes and wait until they are gone: asked to first, where there is patience."""
    if patience:
        _signal(identities, signal.SIGTERM)
        _wait(identities, patience)
    _signal(identities, signal.SIGKILL)
    _wait(identities, 10)


def _signal(identities: list[Identity], number: signal.Signals) -> None:
    for identity in identities:
        if identify(identity.pid) == identity:
            try:
                os.kill(identity.pid, number)
            except ProcessLookupError:
                continue


def _wait(identities: list[Identity], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(identify(i.pid) == i for i in identities) and time.monotonic() < deadline:
        _reap()
        time.sleep(0.02)


def _reap() -> None:
    """Bury children of our own that ended; those of earlier commands are init's."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return
