"""Only processes that the driver started are known again, and ended."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster.places import State
from hack.cluster.processes import Identity, end, identify, marked, noted, start
from tests.support.waiting import until


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path / "cluster")
    state.make()
    return state


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def test_a_started_part_is_known_again_and_ended(state: State) -> None:
    """A part is found by its pid file and by its mark, and is gone after its end."""
    part = start(state, "part", ["sleep", "60"])
    assert noted(state, "part") == part
    # The kernel shows a new program's environment a moment after the program has begun.
    until(lambda: part in marked(state), seconds=10, what="the mark is seen")
    end([part])
    assert identify(part.pid) is None
    assert noted(state, "part") is None


def test_a_reused_pid_is_a_stranger(state: State, stranger: subprocess.Popen[bytes]) -> None:
    """A pid file from before a crash does not claim the process that has its number now."""
    stale = Identity(stranger.pid, "another boot/1")
    (state / "pids" / "part.json").write_text(f'{{"pid": {stale.pid}, "started": "{stale.started}"}}')
    assert noted(state, "part") is None
    end([stale])
    assert stranger.poll() is None


def test_an_unreadable_pid_file_is_no_process(state: State) -> None:
    """A pid file torn by a crash counts as no process instead of breaking the command."""
    (state / "pids" / "part.json").write_text('{"pid": ')
    assert noted(state, "part") is None


def test_another_clusters_processes_are_not_ours(state: State, stranger: subprocess.Popen[bytes]) -> None:
    """The mark tells clusters apart, those in folders below this one's included."""
    nested = State(state.root / "kwok")
    nested.make()
    part = start(nested, "part", ["sleep", "60"])
    try:
        found = [process.pid for process in marked(state)]
        assert part.pid not in found
        assert stranger.pid not in found
        assert os.getpid() not in found
    finally:
        end([part])
