"""Which part of a cluster ended, and what it said last."""

import re
from collections.abc import Iterable
from pathlib import Path

from hack.cluster.places import State
from hack.cluster.processes import noted

HEADER = b"--- "
"""Begins the line that `processes.start` writes into a log before each run."""
_STACK = re.compile(r"goroutine \d+ .*\[|runtime stack:")
_LARGEST = 65_536
_LINES, _LENGTH = 3, 300


def first_ended(state: State, names: Iterable[str]) -> str | None:
    """The first of these parts, in the order in which they start, that does not run: later ones end for want of it."""
    return next((name for name in names if not noted(state, name)), None)


def told(state: State, part: str) -> str:
    """That a part ended, where its log is, and the end of that."""
    log = state / "logs" / f"{part}.log"
    said = last_words(log)
    return "\n  ".join((f"{part} ended; its log {log} {'ends with:' if said else 'says no reason'}", *said))


def last_words(log: Path) -> list[str]:
    """The last lines of a part's newest run, each cut where it is long; of a program in Go, without its stacks."""
    try:
        with log.open("rb") as file:
            file.seek(max(file.seek(0, 2) - _LARGEST, 0))
            newest = re.split(rb"^" + HEADER + rb".*$", file.read(_LARGEST), flags=re.MULTILINE)[-1]
    except OSError:
        return []
    lines = [line.rstrip() for line in newest.decode("utf-8", errors="replace").splitlines() if line.strip()]
    stack = next((number for number, line in enumerate(lines) if _STACK.match(line)), len(lines))
    return [line[:_LENGTH] for line in lines[:stack][-_LINES:]]
