"""How long each part of a demo took, and the line that tells it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console

from hack import estimate


@dataclass
class Parts:
    """The parts of one demo in their order; ``began`` is when the first command began (Unix time, seconds)."""

    console: Console
    began: float
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str, what: str) -> Iterator[None]:
        """One part: said before it begins, with about how long it takes where this machine has seen it before."""
        known = estimate.remaining(f"demo {name}", 0)
        about = f" [dim](about {estimate.duration(known)})[/]" if known is not None and known >= 1 else ""
        self.console.print(f"[bold]·[/] {what}{about}", soft_wrap=True)
        began = time.monotonic()
        yield
        self.add(name, time.monotonic() - began)

    def add(self, name: str, seconds: float) -> None:
        """Note a part's time, for the summary and for the next demo's estimates."""
        self.seconds[name] = seconds
        estimate.record(f"demo {name}", seconds)

    def summary(self) -> str:
        """``5 min 2 s in all: preparation 12 s, …``."""
        told = ", ".join(f"{name} {estimate.duration(seconds)}" for name, seconds in self.seconds.items())
        return f"{estimate.duration(time.time() - self.began)} in all: {told}"
