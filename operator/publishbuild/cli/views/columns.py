"""Columns of plain text, as `kubectl` lays them out: easy to read, and easy to cut for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from publishbuild.printable import printable

_GAP = "   "
# A Kubernetes name is at most that long.
_LONGEST_CELL = 253

Row = Sequence[str]


def widths(rows: Iterable[Row]) -> list[int]:
    """The width of each column that holds all ``rows``."""
    return [max(len(_shown(cell)) for cell in column) for column in zip(*rows, strict=True)]


def line(row: Row, wide: Sequence[int]) -> str:
    """One row, its columns at least ``wide``; without blanks at its end."""
    return _GAP.join(_shown(cell).ljust(width) for cell, width in zip(row, wide, strict=True)).rstrip()


def table(rows: Sequence[Row]) -> list[str]:
    """A line for each of ``rows``, the first of which are the headings."""
    wide = widths(rows)
    return [line(row, wide) for row in rows]


def _shown(cell: str) -> str:
    """The cell as it is read, so that columns line up and no cell is two."""
    shown = printable(cell)
    return shown if len(shown) <= _LONGEST_CELL else f"{shown[: _LONGEST_CELL - 1]}…"
