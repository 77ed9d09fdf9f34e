"""A chart of the rows: each figure as a part of its goal, so that all fit on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tests.bench.table import Row

_WIDTH, _LINE, _LEFT, _SCALE = 900, 26, 430, 300
_MOST = 1.4
_FONT = 'font-family="sans-serif" font-size="13"'


def chart(rows: Sequence[Row]) -> str:
    """SVG: a bar for each row that has a goal; it ends left of the mark where less than the goal is spent, else right.

    Rows that want at least something are turned round, so that a shorter bar is better in all of them.
    """
    judged = [(row, row.goal) for row in rows if row.goal is not None]
    height = _LINE * (len(judged) + 2)
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" {_FONT}>',
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{_LEFT + _SCALE}" y="18" text-anchor="middle" fill="#555">goal; shorter is better</text>',
        f'<line x1="{_LEFT + _SCALE}" y1="24" x2="{_LEFT + _SCALE}" y2="{height - 8}" stroke="#555"/>',
    ]
    for number, (row, goal) in enumerate(judged, start=1):
        part = goal / row.judged if row.at_least else row.judged / goal
        width = min(part, _MOST) * _SCALE
        y, color = _LINE * number + 8, "#2e7d32" if row.met else "#c62828"
        drawn += [
            f'<text x="{_LEFT - 10}" y="{y + 14}" text-anchor="end">{escape(row.what)}</text>',
            f'<rect x="{_LEFT}" y="{y + 2}" width="{width:.0f}" height="{_LINE - 9}" fill="{color}"/>',
            f'<text x="{_LEFT + width + 6:.0f}" y="{y + 14}" fill="#555">{escape(row.cells[1])}</text>',
        ]
    return "\n".join([*drawn, "</svg>"]) + "\n"
