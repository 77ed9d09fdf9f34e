"""Columns of plain text, as `kubectl` lays them out: easy to read, and easy to cut for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_GAP = "   "

Row = Sequence[str]


def widths(rows: Iterable[Row]) -> list[int]:
    """The width of each column that holds all ``rows``."""
    return [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]


def line(row: Row, wide: Sequence[int]) -> str:
    """One row, its columns at least ``wide``; without blanks at its end."""
    return _GAP.join(cell.ljust(width) for cell, width in zip(row, wide, strict=True)).rstrip()


def table(rows: Sequence[Row]) -> str:
    """All ``rows``, the first of which are the headings."""
    wide = widths(rows)
    return "\n".join(line(row, wide) for row in rows)
