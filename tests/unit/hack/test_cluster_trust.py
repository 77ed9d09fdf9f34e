"""On a shared machine, nobody else's folder or file says which processes end, or which command is advised."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster import conflicts, lifecycle, trust
from hack.cluster.places import ClusterError, State
from hack.cluster.processes import MARK, identify, marks, noted, trusted_states
from hack.cluster.settings import Settings
from tests.support.waiting import until


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


@pytest.fixture
def evil(tmp_path: Path, victim: subprocess.Popen[bytes]) -> State:
    """A state folder whose pid file names a process that no cluster started."""
    state = State(tmp_path / "evil")
    state.make()
    Settings("none", 16480).write(state)
    identity = identify(victim.pid)
    assert identity
    (state / "pids" / "redis.json").write_text(json.dumps(identity.__dict__))
    return state


@pytest.fixture
def not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """All files are another user's."""
    monkeypatch.setattr(trust, "owners", lambda: {os.geteuid() + 1})


@pytest.mark.usefixtures("not_ours")
def test_another_users_pid_file_names_no_process(evil: State) -> None:
    """A pid file of another user ends nothing, although the process that it names runs."""
    assert noted(evil, "redis") is None


@pytest.mark.parametrize("name", ["pids", "pids/redis.json"])
def test_a_pid_file_that_others_may_write_names_no_process(evil: State, name: str) -> None:
    """One that anybody may have written is believed as little, whether it or its folder is open."""
    assert noted(evil, "redis")
    (evil / name).chmod(0o777)
    assert noted(evil, "redis") is None


def test_down_ends_nothing_that_another_user_named(
    evil: State, victim: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process of the pid file lives on, also where the folder is emptied."""
    settings = Settings.read(evil)
    assert settings
    monkeypatch.setattr(trust, "owners", lambda: {os.geteuid() + 1})
    lifecycle._clear(evil, settings)
    assert victim.poll() is None


@pytest.mark.usefixtures("not_ours")
def test_a_command_on_another_users_folder_is_refused(evil: State) -> None:
    """The one line names the folder and its owner."""
    with pytest.raises(ClusterError, match=rf"state folder {evil.root} belongs to another user, "):
        State.at(evil.root)


def test_another_users_cluster_is_never_advised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that carries the mark and holds the port brings no command into the message that ends its choice."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        theirs = State(tmp_path / "evil")
        theirs.make()
        Settings("kwok", port).write(theirs)
        marker = [sys.executable, "-c", "import signal; signal.pause()"]
        with subprocess.Popen(marker, env={**os.environ, MARK: str(theirs.root)}) as process:
            try:
                until(lambda: str(theirs.root) in marks(), seconds=10, what="the mark is seen")
                assert theirs in trusted_states()
                monkeypatch.setattr(trust, "owners", lambda: {os.geteuid() + 1})
                with pytest.raises(ClusterError) as told:
                    conflicts.check(State(tmp_path / "ours"), Settings("none", port))
            finally:
                process.kill()
    assert str(theirs.root) not in str(told.value)
    assert "down --state" not in str(told.value)
