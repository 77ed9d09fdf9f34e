"""What belongs to a cluster, and what is left alone."""

import stat
from pathlib import Path

import pytest

from hack.cluster import lifecycle
from hack.cluster.places import DEFAULT_STATE, ClusterError, State, write_private
from hack.cluster.settings import PORT_BASES, NodeKind, Settings, port_base
from hack.cluster.tools import parsed_version


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_default_clusters_never_meet() -> None:
    """The default folder's cluster and those in other folders share no port and no network."""
    default: list[tuple[State, NodeKind]] = [(State(DEFAULT_STATE), "real")]
    others = [(State(DEFAULT_STATE / kind), kind) for kind in PORT_BASES]
    clusters = [Settings(kind, port_base(state, kind)) for state, kind in default + others]
    ports = [port for cluster in clusters for port in cluster.ports]
    assert len(set(ports)) == len(ports)
    assert len({cluster.pod_network for cluster in clusters}) == len(clusters)
    assert all(len(cluster.link) <= 15 for cluster in clusters), "the kernel's limit for a link's name"


def test_down_leaves_what_is_not_the_clusters_own(tmp_path: Path) -> None:
    """Tools and nested clusters' folders outlive `down`."""
    state = State(tmp_path / "s")
    state.make()
    Settings("none", 16480).write(state)
    for name in ("bin", "kwok"):
        (state / name).mkdir()
    lifecycle.down(state)
    assert sorted(entry.name for entry in state.root.iterdir()) == ["bin", "kwok"]


def test_down_without_a_cluster_removes_nothing(tmp_path: Path) -> None:
    """A folder that no cluster was brought up in keeps its files, whatever their names."""
    (tmp_path / "logs").mkdir()
    lifecycle.down(State(tmp_path))
    assert (tmp_path / "logs").exists()


def test_up_refuses_a_folder_with_files_of_another_kind(tmp_path: Path) -> None:
    """What `down` would remove later must not have been there before."""
    (tmp_path / "logs").mkdir()
    with pytest.raises(ClusterError, match="logs"):
        lifecycle.up(State(tmp_path), Settings("none", 16480))


def test_a_lost_state_folder_does_not_lose_the_cluster(tmp_path: Path) -> None:
    """The settings are known after somebody removed the folder, so that `down` still finds the link."""
    state = State(tmp_path / "s")
    settings = Settings("real", 16440)
    settings.write(state)
    (state / "cluster.json").unlink()
    assert Settings.read(state) == settings
    Settings.forget(state)
    assert Settings.read(state) is None


def test_private_files_are_their_owners_alone(tmp_path: Path) -> None:
    """Nobody else can read a token or a password, not even while it is written anew."""
    file = write_private(tmp_path / "kubeconfig", "secret")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(write_private(file, "other").stat().st_mode) == 0o600


def test_a_path_too_long_for_sockets_is_told_at_once(tmp_path: Path) -> None:
    """A socket path that the kernel would cut is an error in words, not a hang."""
    with pytest.raises(ClusterError, match="too long"):
        State.at(tmp_path / ("x" * 80))


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ("Client Version: v1.35.2\nKustomize Version: v5.7.1", (1, 35)),
        ("Client Version: v1.32.4-dispatcher", (1, 32)),
        ("v4.1.4+g05fa379", (4, 1)),
        ("command not found", (0, 0)),
    ],
)
def test_tools_tell_their_versions_in_many_ways(told: str, version: tuple[int, int]) -> None:
    """A tool's version is found in what it prints; one that tells none counts as too old."""
    assert parsed_version(told) == version
