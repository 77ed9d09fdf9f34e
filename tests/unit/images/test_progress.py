"""A step that fails says why, last."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.images.progress import BuildError, Step


def test_a_program_that_was_killed_is_named_last(tmp_path: Path) -> None:
    """Whoever runs out of memory in a build reads the signal at the end, below what the program said before."""
    step = Step("operator", tmp_path / "log", None)
    with pytest.raises(BuildError, match=r"  compiling\noperator: `sh` was ended by SIGKILL$"):
        step.run(["sh", "-c", "echo compiling; kill -9 $$"])


def test_a_program_that_fails_has_the_last_word(tmp_path: Path) -> None:
    """A program's own reason is the end of what is shown."""
    step = Step("operator", tmp_path / "log", None)
    with pytest.raises(BuildError, match=r"ended with 3;.*\n  no space left$"):
        step.run(["sh", "-c", "echo no space left; exit 3"])
