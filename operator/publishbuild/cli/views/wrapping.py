"""Sentences on lines of a terminal."""

from __future__ import annotations

import textwrap

_NARROWEST = 40


def broken(text: str, indent: str, width: int | None) -> list[str]:
    """``text`` on lines of ``width``, each after ``indent``; on one line where ``width`` is None. Words stay whole.

    Where ``text`` breaks its lines, a blank is shown: no line but the first stands without the indent.
    """
    text = " ".join(text.split())
    if width is None:
        return [indent + text]
    return textwrap.wrap(
        text,
        max(_NARROWEST, width),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [indent]
