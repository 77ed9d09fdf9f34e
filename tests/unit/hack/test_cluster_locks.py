"""Runs that wait for each other say for whom; nobody else can make them wait."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster import holders, locks
from hack.images import cache

HOLDS = "import fcntl, sys; f = open(sys.argv[1], 'a+'); fcntl.flock(f, 2); print(flush=True); sys.stdin.read()"


class ToldError(Exception):
    """Ends a wait in a test."""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "images.lock"


@pytest.fixture
def other(lock: Path) -> Iterator[subprocess.Popen[str]]:
    """A program that holds the lock until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.kill()


@pytest.mark.parametrize("before", [None, 0o644, 0o666])
def test_a_lock_is_its_owners_alone(lock: Path, before: int | None) -> None:
    """Also one that an earlier version left open is closed."""
    if before is not None:
        lock.write_text("kept")
        lock.chmod(before)
    with locks.opened(lock):
        assert stat.S_IMODE(lock.stat().st_mode) == 0o600
    assert lock.read_text() == ("" if before is None else "kept")


def test_whoever_holds_the_lock_is_named(lock: Path, other: subprocess.Popen[str]) -> None:
    """The line has the program and the pid, so that its reader can look, and end it."""

    def say(line: str) -> None:
        raise ToldError(line)

    with pytest.raises(ToldError, match=rf"^waiting for another build .* to end: .+ \(pid {other.pid}\) has its lock$"):
        cache.only_one(lock.parent, say).__enter__()


def test_a_wait_is_told_again_and_ends_with_the_holder(
    lock: Path, other: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody stares at a silent terminal, and the lock is taken as soon as it is free."""
    monkeypatch.setattr(locks, "AGAIN_SECONDS", 0.0)
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if len(said) == 2:
            other.communicate()  # its input ends

    with locks.opened(lock) as file:
        locks.take(file, "the test", say)
        assert locks.holder(file).endswith(f"(pid {os.getpid()})")
    assert len(said) == 2
    assert said[1].endswith("s so far")


def test_a_holder_that_nobody_tells_is_another_program(
    lock: Path, other: subprocess.Popen[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no /proc, the wait is told all the same."""
    assert other.poll() is None
    monkeypatch.setattr(locks, "PROC", tmp_path)
    with locks.opened(lock) as file:
        assert locks.holder(file) == "another program"


def test_a_program_cannot_steer_the_terminal_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name of any bytes is shown with marks in their place."""
    monkeypatch.setattr(holders, "PROC", tmp_path)
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "comm").write_bytes(b"\x1b[2J\xff\n")
    assert holders.program(7) == "?[2J\ufffd (pid 7)"


def test_those_who_share_a_lock_do_not_wait(lock: Path) -> None:
    """Two loans use one cluster at once."""
    with locks.opened(lock) as one, locks.opened(lock) as two:
        for file in (one, two):
            locks.take(file, "the test", pytest.fail, how=fcntl.LOCK_SH)
