"""A cluster comes up in any folder that a person may have, or says at once which it cannot use."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from hack.cluster import control_plane, node
from hack.cluster.places import ClusterError, State, unescaped
from hack.cluster.processes import end, noted, start
from hack.cluster.settings import Settings
from tests.support.waiting import until

NAMES = ["My Projects", "app[old]", "it's #1", "[/x]", "größe", "$HOME %h"]


@pytest.mark.parametrize("name", NAMES)
def test_redis_starts_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    """A real Redis takes the configuration file, and works in that folder."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    # pytest's own folder may be too long: what is tried here is the file alone.
    state, settings = State(tmp_path / name), Settings("none", port - 5)
    state.make()
    (state / "conf" / "redis-password").write_text("word")
    part = start(state, "redis", control_plane.redis(state, settings))
    try:
        until(
            lambda: control_plane.answers(port) or not noted(state, "redis"),
            seconds=20,
            what="Redis answers, or has ended",
        )
        assert noted(state, "redis"), (state / "logs" / "redis.log").read_text()
    finally:
        end([part])


def test_the_name_servers_file_holds_a_path_with_spaces(tmp_path: Path) -> None:
    """CoreDNS splits its file at spaces: the path is quoted."""
    state = State(tmp_path / "a b")
    state.make()
    node.dns(state, Settings("real", 16440), tmp_path)
    assert f'kubeconfig "{state / "conf" / "kubeconfig"}" publishbuild-local' in (state / "conf/Corefile").read_text()


@pytest.mark.parametrize("sign", ['"', "\\", ",", ":", "{", "}", "\n", "\x1b", "\udcff"])
def test_a_path_that_no_file_can_hold_is_refused_at_once(sign: str) -> None:
    """One line names the character, before anything starts; the character itself is not printed."""
    with pytest.raises(ClusterError, match="allowed is") as told:
        State.at(Path(f"/tmp/a{sign}b"))  # noqa: S108  # nothing is made there
    assert repr(sign) in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", NAMES)
def test_such_a_folder_is_allowed(name: str) -> None:
    """Spaces, brackets and letters of any language are no reason to refuse."""
    assert State.at(Path("/tmp") / name).root.name == name.rpartition("/")[2]  # noqa: S108


def test_mount_points_are_read_as_the_kernel_writes_them() -> None:
    """Spaces come as octal numbers, other languages' letters as they are."""
    assert unescaped("/a\\040b/größe\\134x".encode()) == "/a b/größe\\x"
