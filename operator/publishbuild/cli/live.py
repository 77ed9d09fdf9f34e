"""Where `publishbuild watch` shows changes: a live view on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from publishbuild.cli.change_printer import ChangePrinter
from publishbuild.cli.console import live_view, terminal
from publishbuild.cli.output import remark, say
from publishbuild.cli.views.board import board
from publishbuild.cli.views.sight import Sight

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from publishbuild.client import LiveQueue

Object = dict[str, Any]

FRAME_SECONDS = 0.25
LOG_LINES = 8


class PlainScreen:
    """A line for each change, with the time: good in the log of a CI run."""

    def __init__(self) -> None:
        self._printers: dict[str, ChangePrinter] = {}

    def show(self, build: Object) -> None:
        """Say how the build is now, where that reads differently."""
        printer = self._printers.setdefault(build["metadata"]["uid"], ChangePrinter(datetime.now, say))
        printer(build)

    def trouble(self, text: str) -> None:
        """Say it beside the lines."""
        remark(f"{datetime.now():%H:%M:%S}  {text}; trying again")  # noqa: DTZ005  # the reader's own time


class LiveScreen:
    """What is known for the view; ``queue`` and ``log`` are filled in by whoever reads them."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lost: tuple[datetime, str] | None = None
        self.builds: dict[str, Object] = {}
        self.queue: LiveQueue | None = None
        self.log: deque[str] = deque(maxlen=LOG_LINES)

    def show(self, build: Object) -> None:
        """Take in how the build is now."""
        self.builds[build["metadata"]["uid"]] = build
        self._lost = None

    def trouble(self, text: str) -> None:
        """Say it until there is news."""
        self._lost = (self._clock(), text)

    def frame(self, width: int, height: int) -> Text:
        """The view as it is now."""
        now = self._clock()
        sights = [
            Sight.read(build, now, entry=self.queue.entry(uid) if self.queue else None)
            for uid, build in self.builds.items()
        ]
        log = list(self.log) if len(sights) == 1 else []
        return board(sights, log, self._trouble(now), width=width, height=height)

    def _trouble(self, now: datetime) -> str:
        if self._lost is None:
            return ""
        since, text = self._lost
        return f"not up to date for {(now - since).total_seconds():.0f} s, trying again: {text}"


@asynccontextmanager
async def live_screen(console: Console) -> AsyncGenerator[LiveScreen, None]:
    """A view that is drawn until the block ends, and stays as it was then."""
    screen = LiveScreen(lambda: datetime.now(UTC))
    with live_view(console) as live:

        def draw() -> None:
            live.update(screen.frame(console.width, console.height), refresh=True)

        drawing = asyncio.create_task(_each_frame(draw))
        try:
            yield screen
        finally:
            drawing.cancel()
            draw()


async def _each_frame(draw: Callable[[], None]) -> None:
    while True:
        draw()
        await asyncio.sleep(FRAME_SECONDS)


def is_live(console: Console | None = None) -> bool:
    """Whether stdout is a terminal on which a view can be drawn again and again."""
    wanted = console or terminal()
    return wanted.is_terminal and not wanted.is_dumb_terminal
