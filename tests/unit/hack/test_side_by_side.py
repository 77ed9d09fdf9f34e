"""Programs beside each other: what one's failure does to the others."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from hack import side_by_side
from hack.side_by_side import Side, SideFailedError, run

MakeSide = Callable[[str, str], Side]
WAIT = "import signal; signal.pause()"


@pytest.fixture
def side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeSide:
    """Makes a side that runs a program's text."""
    monkeypatch.setattr(side_by_side, "ROOT", tmp_path)

    def made(name: str, text: str) -> Side:
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
        return Side(name, (name,))

    return made


def quiet() -> Console:
    return Console(file=io.StringIO())


def test_all_run_to_their_ends(side: MakeSide) -> None:
    """What each printed, and how long it took, is there when all have ended well."""
    sides = [side("one", "print('archive.tar')"), side("two", "print('x')")]
    run(sides, quiet())
    assert sides[0].printed == "archive.tar\n"
    assert all(each.seconds > 0 for each in sides)


def test_the_first_failure_ends_the_others_and_is_the_reason(side: MakeSide) -> None:
    """One that fails ends one that would go on for ever, and the error ends with the failed one's own words."""
    failing = side("failing", "import sys; print('no space left', file=sys.stderr); sys.exit(3)")
    with pytest.raises(SideFailedError, match=r"failing: failing ended with 3; it said last:\n  no space left$"):
        run([side("endless", WAIT), failing], quiet())


def test_one_that_is_killed_ends_the_others_and_is_named(side: MakeSide) -> None:
    """A program killed from outside counts as failed, with the signal's name, and nothing is waited for."""
    killed = side("killed", "import os, signal; print('working', flush=True); os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(SideFailedError, match=r"killed: killed was ended by SIGKILL$"):
        run([side("endless", WAIT), killed], quiet())


def test_what_a_killed_one_had_started_ends_too(side: MakeSide, tmp_path: Path) -> None:
    """No compiler goes on behind a driver that was killed."""
    parent = f"""
        import os, signal, subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", {WAIT!r}])
        open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    with pytest.raises(SideFailedError):
        run([side("parent", parent)], quiet())
    stat = Path("/proc") / (tmp_path / "pid").read_text() / "stat"
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] in "ZX"


def test_transient_lines_are_no_reason(side: MakeSide) -> None:
    """How far a program was is not shown as why it failed."""
    failing = side(
        "failing", "import sys; print('broken', file=sys.stderr); print('~ 50 %', file=sys.stderr); sys.exit(1)"
    )
    with pytest.raises(SideFailedError, match=r"broken$"):
        run([failing], quiet())
