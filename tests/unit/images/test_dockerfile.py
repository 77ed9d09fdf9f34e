"""Both images can be built from the Dockerfile alone: `docker build` on any machine that reaches a public registry."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TEXT = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
LINES = [line.split() for line in TEXT.splitlines() if line and not line.startswith("#")]
FROM = [line for line in LINES if line[0] == "FROM"]
ARGS = dict(line[1].partition("=")[::2] for line in LINES[: LINES.index(FROM[0])])
STAGES = [line[3] for line in FROM if len(line) == 4]


@pytest.mark.parametrize("target", ["operator", "runner"])
def test_both_targets_are_there(target: str) -> None:
    """The names that the README builds are stages."""
    assert target in STAGES


def test_every_base_is_public_by_default() -> None:
    """Without a build argument no stage starts from an image that only this project's own build can make."""
    bases = [re.sub(r"\$\{(\w+)\}", lambda name: ARGS[name[1]], line[1]) for line in FROM]
    outside = [base for base in bases if base not in STAGES]
    assert outside
    assert all(re.fullmatch(r"(python|node):[\w.-]+", base) for base in outside), outside


def test_every_argument_has_a_default() -> None:
    """A plain `docker build` hands in nothing."""
    assert [line[1] for line in LINES if line[0] == "ARG" and "=" not in line[1]] == []


def test_every_copied_file_is_in_the_tree_and_in_the_context() -> None:
    """What .dockerignore keeps out, or a checkout does not hold, cannot be copied."""
    admitted = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    sources = [
        source
        for line in LINES
        if line[0] == "COPY" and not any(word.startswith("--from") for word in line)
        for source in line[1:-1]
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).exists()
        assert any(fnmatch(source, pattern) for pattern in admitted), f"{source}: .dockerignore keeps it out"
