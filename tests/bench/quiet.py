"""Waits until the machine has nothing else to do: a cluster that has just come up works on for some seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tests.support.waiting import until

# The share of all cores that may be busy.
QUIET = 0.1
_WINDOW_SECONDS = 2.0


def until_the_machine_is_quiet(log: Callable[[str], object], *, seconds: float = 60) -> None:
    """Wait until it is; whatever it does after ``seconds`` is part of what it is like."""
    try:
        until(lambda: _busy() < QUIET, seconds=seconds, what="the machine is quiet", pause=0)
    except AssertionError as never:
        log(f"  measures all the same: {never}")


def _busy() -> float:
    before, total_before = _times()
    time.sleep(_WINDOW_SECONDS)
    idle, total = _times()
    return 1 - (idle - before) / (total - total_before)


def _times() -> tuple[int, int]:
    """Idle and all time of all cores so far."""
    first = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0]
    ticks = [int(word) for word in first.split()[1:]]
    return ticks[3] + ticks[4], sum(ticks)
