"""The blocks of a page in docs/ that a test runs: marked by a comment that readers do not see.

``<!-- run -->`` stands before a block of commands, each after a ``$``. Lines below a command are what it prints; ``…``
stands for anything. ``<!-- file: NAME -->`` stands before the text of a file that the reader is told to save.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_MARK = re.compile(r"^<!-- (?:run|file: (?P<file>[\w.-]+)) -->$", re.MULTILINE)
_BLOCK = re.compile(r"\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_PROMPT = "$ "


@dataclass(frozen=True)
class SavedFile:
    """A file that the reader saves."""

    name: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command that the reader runs, and the lines that the page shows below it."""

    text: str
    shown: tuple[str, ...]

    def missing(self, printed: str) -> str | None:
        """The first shown line that ``printed`` lacks, in order; None where all are there. Spaces are no matter."""
        lines = iter(printed.splitlines())
        for shown in self.shown:
            pattern = re.compile(r"\s+".join(re.escape(word).replace("…", ".*") for word in shown.split()))
            if not any(pattern.fullmatch(line.strip()) for line in lines):
                return shown
        return None


def steps_of(page: str) -> list[SavedFile | Command]:
    """What a reader does who follows the marked blocks of ``page`` from top to bottom.

    Raises:
        ValueError: where no block follows a mark, or a block to be run does not begin with a command.
    """
    steps: list[SavedFile | Command] = []
    for mark in _MARK.finditer(page):
        block = _BLOCK.match(page, mark.end())
        if block is None:
            raise ValueError(f"no block of code follows {mark[0]} in line {page.count(chr(10), 0, mark.start()) + 1}")
        steps += [SavedFile(mark["file"], block["text"])] if mark["file"] else _commands(block["text"])
    return steps


def _commands(text: str) -> Iterator[Command]:
    if not text.startswith(_PROMPT):
        raise ValueError(f"a block to be run begins with {_PROMPT!r}: {text!r}")
    # A command goes on in the next line after a backslash.
    for part in re.split(rf"^{re.escape(_PROMPT)}", text, flags=re.MULTILINE)[1:]:
        command, _, shown = re.sub(r"\\\n\s*", "", part).partition("\n")
        yield Command(command, tuple(line for line in shown.splitlines() if line.strip()))
