"""What is asked of buildah."""

from __future__ import annotations

import resource
from itertools import pairwise
from pathlib import Path

import pytest

from hack.images import leftovers
from hack.images.engine import EPOCH, Buildah, Recipe


class Ran:
    """Stands for a step: notes the command, runs nothing."""

    def __init__(self) -> None:
        self.command: list[str] = []

    def run(self, command: list[str]) -> list[str]:
        self.command = command
        return []


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command for one image, on a machine whose hard limits are lower than buildah's own wishes."""
    monkeypatch.setattr(leftovers, "remove_working_containers", lambda: None)
    limits = {resource.RLIMIT_NOFILE: (1024, 20_000), resource.RLIMIT_NPROC: (resource.RLIM_INFINITY,) * 2}
    monkeypatch.setattr(resource, "getrlimit", limits.__getitem__)
    step = Ran()
    Buildah(tmp_path).build(step, Recipe("name", Path("Dockerfile"), Path()))  # type: ignore[arg-type]  # as above
    return step.command


def test_no_more_is_asked_for_than_the_machine_allows(command: list[str]) -> None:
    """Open files and processes stay within this process's limits: Debian 13's buildah asks for a million of each."""
    asked = [value for option, value in pairwise(command) if option == "--ulimit"]
    assert asked == ["nofile=1024:20000", "nproc=32768:32768"]


def test_every_file_has_the_same_time(command: list[str]) -> None:
    """An image built twice is the same twice."""
    assert command[command.index("--timestamp") + 1] == str(EPOCH)
