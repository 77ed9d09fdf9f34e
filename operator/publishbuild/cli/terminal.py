"""The terminal, as rich sees it: colours unless NO_COLOR is set, no colours where the output is read by a program."""

from __future__ import annotations

from rich.console import Console


def terminal(*, stderr: bool = False) -> Console:
    """stdout or stderr. Nothing is wrapped, highlighted or read as markup unless a caller says so."""
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)


def wrap_width(console: Console) -> int | None:
    """Where to break sentences; None where a program reads, which wants a fact a line."""
    return console.width if console.is_terminal else None
