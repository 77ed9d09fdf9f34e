"""How far a long step is and about how long the rest takes, from times that were measured on this machine."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from hack.cluster.places import cache

TRANSIENT = "~ "
"""Begins a line that only says how far something is: whoever reads our output may show the newest one alone."""
_LINES = "PUBLISHBUILD_PROGRESS_LINES"
_SMALLEST_SHARE = 0.03
"""Below this share of the work, its pace says nothing yet."""


def reader_environment() -> dict[str, str]:
    """For a child whose output we read: it then tells its progress as transient lines, each second."""
    return {**os.environ, _LINES: "1"}


def is_read() -> bool:
    """Whether our own output is read by a parent that knows transient lines."""
    return bool(os.environ.get(_LINES))


def tell(text: str) -> None:
    """Print one transient line for the parent."""
    print(f"{TRANSIENT}{text}", file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """A time as people say it: ``8 s``, ``2 min 40 s``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def left(elapsed: float, share: float) -> float | None:
    """Seconds that the rest takes at the pace so far; None while too little is done to know one."""
    return elapsed * (1 - share) / share if share >= _SMALLEST_SHARE else None


def remaining(name: str, elapsed: float) -> float | None:
    """Seconds that are left of a step that took a known time before on this machine; None for a step never seen."""
    known = _read().get(name)
    return max(known - elapsed, 0) if known is not None else None


def record(name: str, seconds: float) -> None:
    """Remember how long a step took, for the next time; a machine that cannot keep it is none the worse."""
    with suppress(OSError):
        file = _file()
        fresh = file.with_name(f".{file.name}.{os.getpid()}")
        fresh.write_text(json.dumps(_read() | {name: round(seconds, 1)}, indent=1, sort_keys=True) + "\n")
        fresh.replace(file)


def _read() -> dict[str, float]:
    try:
        kept: dict[str, float] = json.loads(_file().read_text())
    except (OSError, ValueError):
        return {}
    return kept


def _file() -> Path:
    return cache() / "durations.json"
