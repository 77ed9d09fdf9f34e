"""Changes as lines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from publishbuild.cli.views.state import state_line

Object = dict[str, Any]


class ChangePrinter:
    """Prints a build's state, with the time, whenever it reads differently."""

    def __init__(self, clock: Callable[[], datetime], say: Callable[[str], None]) -> None:
        self._clock = clock
        self._say = say
        self._last = ""

    def __call__(self, build: Object) -> None:
        """Print ``build`` where it reads differently than before."""
        line = state_line(build)
        if line != self._last:
            self._last = line
            self._say(f"{self._clock():%H:%M:%S}  {line}")
