"""On a shared machine, nobody else's folder or file says which processes end, or which command is advised."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster import conflicts, lifecycle, processes, trust
from hack.cluster.places import ClusterError, State, write_private
from hack.cluster.processes import MARK, identify, marks, noted, start, trusted_states
from hack.cluster.settings import Settings
from tests.support.waiting import until


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short one: sockets lie below a state folder."""
    return tmp_path_factory.mktemp("t")


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


def test_another_users_pid_file_names_no_process(evil: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pid file of another user ends nothing, although the process that it names runs."""
    monkeypatch.setattr(trust, "owners", lambda: {os.geteuid() + 1})
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


def test_a_command_on_another_users_folder_is_refused(evil: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one line names the folder and its owner."""
    monkeypatch.setattr(trust, "owners", lambda: {os.geteuid() + 1})
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


BAD_NOTES = [
    (b"", "is empty"),
    (b"{", "holds no JSON"),
    (b"\xff", "holds no JSON"),
    (b"[" * 60_000, "holds no JSON"),
    (b"[]", "holds no JSON object"),
    (b" " * 70_000, "is larger than 65536 bytes"),
    (b'{"node": ["kwok"], "port_base": 16480}', r"has the node \['kwok'\]; allowed are kwok, none, real"),
    (b'{"node": "kwok", "port_base": "x"}', "has the port_base 'x'; allowed is a number from 1 to 65529"),
    (b'{"node": "kwok", "port_base": 1, "kwok_nodes": -1}', "has the kwok_nodes -1; allowed is a number from 0 on"),
]


@pytest.mark.parametrize(("text", "reason"), BAD_NOTES)
def test_a_settings_file_that_says_nothing_is_told_with_the_command_that_clears_it(
    tmp_path: Path, text: bytes, reason: str
) -> None:
    """The line names the file, what is wrong with it, and `down`."""
    state = State(tmp_path / "s")
    state.make()
    (state / "cluster.json").write_bytes(text)
    with pytest.raises(ClusterError, match=rf"cluster.json {reason}; clear the cluster with .* down --state"):
        Settings.read(state)


def test_a_settings_file_that_says_nothing_is_read_from_its_copy(tmp_path: Path) -> None:
    """A crash that empties the file in the folder takes nothing along: the other copy is used."""
    state = State(tmp_path / "s")
    Settings("kwok", 16480).write(state)
    (state / "cluster.json").write_text("")
    assert Settings.read(state) == Settings("kwok", 16480)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_nothing_else_than_a_file_is_read(tmp_path: Path, kind: str) -> None:
    """A pipe does not hang the command, and a link leads nowhere."""
    state = State(tmp_path / "s")
    state.make()
    place = state / "cluster.json"
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "link":
        place.symlink_to("/dev/zero")
    else:
        place.mkdir()
    with pytest.raises(ClusterError, match=r"cluster\.json"):
        Settings.read(state)


@pytest.mark.parametrize("text", [b"", b"{"])
def test_down_clears_a_cluster_whose_settings_nobody_can_read(tmp_path: Path, text: bytes) -> None:
    """What runs is ended, and the folder is gone."""
    state = State(tmp_path / "s")
    state.make()
    (state / "cluster.json").write_bytes(text)
    part = start(state, "redis", ["sleep", "600"])
    lifecycle.down(state)
    assert identify(part.pid) != part
    assert not state.root.exists()


def test_the_ports_of_a_cluster_without_settings_come_from_its_kubeconfig(tmp_path: Path) -> None:
    """So `down` finds the link of a node that has a port base of its own."""
    state = State(tmp_path / "s")
    (state / "containerd").mkdir(parents=True)
    config = {"clusters": [{"cluster": {"server": "https://127.0.0.1:17000"}}]}
    (state / "kubeconfig").write_text(json.dumps(config))
    assert Settings.of_remains(state).link == "pbuild17000"


def test_a_mark_that_is_no_text_is_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes of any kind, and paths that are none, are passed over."""
    values = [b"\xff", b"/tmp/\xff", b"rel", b"", b"/" + b"x" * 5000]
    monkeypatch.setattr(processes, "_environments", lambda: [(1, [f"{MARK}=".encode() + each]) for each in values])
    assert trusted_states() == []


def test_a_file_laid_aside_by_another_user_is_neither_followed_nor_kept(tmp_path: Path) -> None:
    """A secret never ends in a file that somebody else has, although its folder was open."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("as it was")
    (tmp_path / ".kubeconfig.new").symlink_to(elsewhere)
    file = write_private(tmp_path / "kubeconfig", "secret")
    assert elsewhere.read_text() == "as it was"
    assert not file.is_symlink()
    with elsewhere.open() as planted:
        os.link(elsewhere, tmp_path / ".kubeconfig.new")
        write_private(file, "secret")
        assert planted.read() == "as it was"
    assert file.read_text() == "secret"


def test_an_open_state_folder_is_closed(tmp_path: Path) -> None:
    """Nobody else can lay a file into it from then on; its readers may still read."""
    for mode, wanted in ((0o777, 0o755), (0o775, 0o755), (0o700, 0o700)):
        tmp_path.chmod(mode)
        State(tmp_path).make()
        assert stat.S_IMODE(tmp_path.stat().st_mode) == wanted
        assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("pids", "pki", "conf", "logs")} == {0o700}


@pytest.mark.parametrize("kind", ["theirs", "link"])
def test_a_folder_laid_by_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """What the cluster writes there would be that user's to change."""
    if kind == "link":
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "pids").symlink_to("elsewhere")
    else:
        monkeypatch.setattr(trust, "owners", lambda: {os.geteuid() + 1})
    with pytest.raises(ClusterError, match=rf"{tmp_path}/pids was laid there by another user; remove it"):
        State(tmp_path).make()
