"""Lines with colours of our own, in which others' words are words."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from publishbuild.printable import printable

Part = str | tuple[str, str] | Text


def styled(*parts: Part, style: str = "") -> Text:
    """One line of ``parts``: a text, a text with its style, or a line that is made already."""
    line = Text(style=style)
    for part in parts:
        if isinstance(part, Text):
            line.append_text(part)
        elif isinstance(part, str):
            line.append(printable(part))
        else:
            text, own = part
            line.append(printable(text), own)
    return line


def stacked(lines: Iterable[Text]) -> Text:
    """``lines``, one below the other."""
    return Text("\n").join(lines)
