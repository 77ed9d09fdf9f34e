"""The terminal, as rich sees it: colours unless NO_COLOR is set, no colours where the output is read by a program."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.live import Live
from rich.segment import Segment

from publishbuild.printable import printable


class SafeConsole(Console):
    """A console that shows texts, and obeys none: rich's own colours and movements are all that reach the terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The parts of ``renderable`` as they are written; each one that others may have written is made printable."""
        for part in super().render(renderable, options):
            yield part if part.control else Segment(_lines(part.text), part.style)


def terminal(*, stderr: bool = False) -> Console:
    """stdout or stderr. Nothing is wrapped, highlighted or read as markup unless a caller says so."""
    return SafeConsole(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)


def live_view(console: Console) -> Live:
    """A view that is drawn over itself, by its own ``update``, in a ``with`` block."""
    return Live(console=console, auto_refresh=False, vertical_overflow="crop")


def wrap_width(console: Console) -> int | None:
    """Where to break sentences; None where a program reads, which wants a fact a line."""
    return console.width if console.is_terminal else None


def _lines(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))
