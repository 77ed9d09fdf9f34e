"""What the cluster's commands say: paths as they are, and what the system refused in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short one: sockets lie below a state folder."""
    return tmp_path_factory.mktemp("t")


def said(*arguments: str, cache: Path, environ: Mapping[str, str] = os.environ) -> tuple[int, str, str]:
    """The exit code of ``python -m hack.cluster ARGUMENTS``, and what it printed to either stream."""
    made = subprocess.run(
        [sys.executable, "-m", "hack.cluster", *arguments],
        cwd=ROOT,
        env={**environ, "XDG_CACHE_HOME": str(cache), "COLUMNS": "40"},
        capture_output=True,
        text=True,
        check=False,
    )
    return made.returncode, made.stdout, made.stderr


@pytest.mark.parametrize("name", ["app[old]", "[/x]", "[red]", "a b"])
def test_a_path_with_brackets_is_shown_as_it_is(tmp_path: Path, name: str) -> None:
    """Brackets are no markup: neither lost, nor the end of the command."""
    state = tmp_path / name
    assert said("down", "--state", str(state), cache=tmp_path) == (0, "", f"cluster: no cluster is in {state}\n")
    code, _, told = said("status", "--state", str(state), cache=tmp_path)
    assert (code, told) == (1, f"cluster: no cluster is up in {state}\n")


def test_what_would_steer_the_terminal_is_spelled_out(tmp_path: Path) -> None:
    """A path may have any byte in it, and an image's archive is a path."""
    state = tmp_path / "s"
    state.mkdir(mode=0o700)
    (state / "cluster.json").write_text('{"node": "none", "port_base": 16480}')
    code, _, told = said("load", "--state", str(state), f"{tmp_path}/\x1b[31m\udcff", cache=tmp_path)
    assert (code, told) == (1, f"cluster: there is no image archive {tmp_path}/\\x1b[31m\\udcff\n")


def test_status_shows_a_path_with_brackets_as_it_is(tmp_path: Path) -> None:
    """The table's neighbours are paths, too."""
    state = tmp_path / "[bold]s"
    state.mkdir(mode=0o700)
    (state / "cluster.json").write_text('{"node": "none", "port_base": 16480}')
    assert f"logs         {state / 'logs'}\n" in said("status", "--state", str(state), cache=tmp_path)[1]
