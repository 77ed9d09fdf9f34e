"""What keeps a cluster from coming up is told at once, with the command that helps."""

from __future__ import annotations

import os
import pwd
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster import conflicts, holders, processes
from hack.cluster.places import ClusterError, State
from hack.cluster.processes import end, start
from hack.cluster.settings import Settings


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody holds."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_of_another_program_is_told(tmp_path: Path, taken: int) -> None:
    """Where no cluster of this project holds it, the port is named, and who has it."""
    with pytest.raises(ClusterError, match=rf"{taken} is in use by [^ ]+.* \(pid {os.getpid()}\); end it"):
        conflicts.check(State(tmp_path / "ours"), Settings("kwok", taken))


def test_a_port_whose_holder_may_not_be_seen_is_told_with_its_user(
    tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another user's processes are closed to us, the owner of a socket is not."""
    monkeypatch.setattr(holders, "_owner", lambda _: None)
    user = re.escape(pwd.getpwuid(os.geteuid()).pw_name)
    with pytest.raises(ClusterError, match=rf"{taken} is in use by a program of the user {user}; end it"):
        conflicts.check(State(tmp_path / "ours"), Settings("kwok", taken))


def test_a_port_whose_holder_nobody_tells_is_named_all_the_same(
    tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no /proc, the line says what it can."""
    monkeypatch.setattr(holders, "PROC", tmp_path)
    with pytest.raises(ClusterError, match=rf"{taken} is in use by another program; end it"):
        conflicts.check(State(tmp_path / "ours"), Settings("kwok", taken))


def test_the_cluster_of_another_clone_is_named_with_the_command_that_ends_it(
    tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder and the command are in the one line; that only some of the ports are its own changes nothing."""
    theirs = State(tmp_path / "their clone")
    theirs.make()
    Settings("kwok", taken - 2).write(theirs)
    monkeypatch.setattr(processes, "marks", lambda _: [str(tmp_path / "gone"), str(theirs.root)])
    with pytest.raises(ClusterError) as told:
        conflicts.check(State(tmp_path / "ours"), Settings("kwok", taken))
    assert f"by the cluster in {theirs.root};" in str(told.value)
    assert f"-m hack.cluster down --state '{theirs.root}'" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_cluster_is_no_conflict_of_its_own(tmp_path: Path, taken: int) -> None:
    """One that is up holds its ports; the same with other settings is told, with the command that ends it."""
    state = State(tmp_path / "ours")
    state.make()
    Settings("kwok", taken).write(state)
    part = start(state, "etcd", ["sleep", "60"])
    try:
        conflicts.check(state, Settings("kwok", taken))
        with pytest.raises(ClusterError, match=r"up with other settings.* down --state"):
            conflicts.check(state, Settings("kwok", taken, kwok_nodes=5))
    finally:
        end([part])


def test_free_ports_are_no_conflict(tmp_path: Path, taken: int) -> None:
    """The check passes where nothing is in the way."""
    conflicts.check(State(tmp_path / "ours"), Settings("none", taken - 6))
