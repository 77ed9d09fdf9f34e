"""Fails the test that left a connection open, by its name.

A socket or a pipe that nobody closed is found by the garbage collector at some later time, and its warning then fails
whichever test runs by then. A descriptor stays open until it is closed or collected, so the descriptors of the process
are compared before and after each test. Without ``/proc/self/fd`` nothing is compared.
"""

from __future__ import annotations

import gc
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lasting_clients import drop_connections

CLOSE_SECONDS = 5.0
"""How long closing may take after a test: a thread or a child process may have the other end."""
_PAUSE_SECONDS = 0.01
_DESCRIPTORS = Path("/proc/self/fd")
_WATCHED = ("socket:", "pipe:")
_TCP_TABLES = (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6"))


@pytest.fixture(autouse=True)
def _no_connection_left_open() -> Iterator[None]:
    """The first fixture of each test, so the last to end; what longer-lived fixtures hold is open before it."""
    before = open_connections()
    yield
    drop_connections()
    left = _left_open(before)
    if not left:
        return
    names = ", ".join(sorted(_described(left)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()  # it has been told here, and must not fail a test after this one
    pytest.fail(f"left open: {names}", pytrace=False)


def open_connections() -> frozenset[str]:
    """The sockets and pipes of this process, as ``socket:[inode]`` and ``pipe:[inode]``; none where nobody can tell."""
    try:
        return frozenset(name for file in _DESCRIPTORS.iterdir() if (name := _target(file)).startswith(_WATCHED))
    except OSError:
        return frozenset()


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:  # closed meanwhile, as is the one that lists them
        return ""


def _left_open(before: frozenset[str]) -> frozenset[str]:
    """What was opened after ``before`` and is not closed within `CLOSE_SECONDS`."""
    deadline = time.monotonic() + CLOSE_SECONDS
    while (left := open_connections() - before) and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
    return left


def _described(names: frozenset[str]) -> list[str]:
    """Each of ``names``, and for TCP between which ports: the far one tells what was connected to."""
    ports = _tcp_ports()
    return [f"{name} {ports[name]}" if name in ports else name for name in names]


def _tcp_ports() -> dict[str, str]:
    found: dict[str, str] = {}
    for table in _TCP_TABLES:
        lines = table.read_text(encoding="ascii").splitlines()[1:] if table.exists() else ()
        for _, near, far, _, *_, inode in (line.split()[:10] for line in lines):
            ends = " -> ".join(str(int(end.rpartition(":")[2], 16)) for end in (near, far))
            found[f"socket:[{inode}]"] = f"(TCP, port {ends})"
    return found
