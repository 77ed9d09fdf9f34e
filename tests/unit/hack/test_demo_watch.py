"""A part of the cluster that ends, ends the demo at once and is named, whatever the demo waits for."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from hack.cluster.places import State
from hack.cluster.processes import Identity, end, identify, start
from hack.demo.watch import PartEndedError, PartsWatch
from hack.side_by_side import Side, run


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path / "s")
    state.make()
    return state


@pytest.fixture
def server(state: State) -> Iterator[Identity]:
    part = start(state, "kube-apiserver", ["sleep", "600"])
    yield part
    end([part])


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = signal.getsignal(signal.SIGUSR1)
    yield
    signal.signal(signal.SIGUSR1, before)


def test_a_part_that_ends_interrupts_a_program_that_waits(state: State, server: Identity) -> None:
    """As `helm --wait` does: the program is ended too, and the error has the part and its log's last line."""
    kills = f"import os, signal; os.kill({server.pid}, signal.SIGKILL); signal.pause()"
    with (state / "logs" / "kube-apiserver.log").open("a") as log:
        log.write("its last line\n")
    with (
        pytest.raises(PartEndedError, match=r"^kube-apiserver ended; its log .* ends with:\n  its last line$"),
        PartsWatch(state, lambda: True),
    ):
        subprocess.run([sys.executable, "-c", kills], check=False)


def test_a_part_that_ends_ends_what_runs_beside_it(
    state: State, server: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The images are not built to their end for a cluster that is gone."""
    monkeypatch.setattr("hack.side_by_side.ROOT", tmp_path)
    told = tmp_path / "pid"
    (tmp_path / "images.py").write_text(
        f"import os, signal\nopen({str(told)!r}, 'w').write(str(os.getpid()))\n"
        f"os.kill({server.pid}, signal.SIGKILL)\nsignal.pause()\n"
    )
    (tmp_path / "cluster.py").write_text("")
    cluster = Side("cluster", ("cluster",))
    with pytest.raises(PartEndedError, match=r"^kube-apiserver ended"), PartsWatch(state, lambda: cluster.ended_well):
        run([cluster, Side("images", ("images",))], Console(quiet=True))
    assert cluster.ended_well
    assert identify(int(told.read_text())) is None


def test_nothing_is_told_before_the_cluster_is_up(state: State, server: Identity) -> None:
    """What an earlier cluster left is the business of whoever brings this one up."""
    end([server])
    up: list[bool] = []
    watch = PartsWatch(state, lambda: bool(up))
    assert watch.ended() == ""
    up.append(True)
    assert watch.ended().startswith("kube-apiserver ended")


def test_after_its_block_nothing_is_raised(state: State, server: Identity) -> None:
    """The cluster may be taken down; a signal that is on its way does no harm."""
    with PartsWatch(state, lambda: True) as watch:
        assert watch.ended() == ""
    end([server])
    signal.raise_signal(signal.SIGUSR1)
    assert watch.ended().startswith("kube-apiserver ended")


def test_a_program_that_fails_is_no_side_that_ended_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody takes a cluster for up that did not come up."""
    monkeypatch.setattr("hack.side_by_side.ROOT", tmp_path)
    (tmp_path / "cluster.py").write_text("raise SystemExit(1)")
    side = Side("cluster", ("cluster",))
    with pytest.raises(Exception, match="ended with 1"):
        run([side], Console(quiet=True))
    assert not side.ended_well
