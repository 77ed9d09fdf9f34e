"""The little Markdown that generated pages are made of, read alike by GitHub and by the site."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence


def code(text: str) -> str:
    """``text`` as code, in a table too: there GitHub and the site read a bar between backquotes differently."""
    return f"<code>{_escaped(html.escape(text, quote=False))}</code>" if "|" in text else f"`{text}`"


def plain(text: str) -> str:
    """``text`` in one line that shows as it stands, in a table too; what is between backquotes stays code."""
    parts = " ".join(text.split()).replace("``", "`").split("`")
    return "".join(code(part) if n % 2 else _escaped(part) for n, part in enumerate(parts))


def _escaped(text: str) -> str:
    return re.sub(r"[\\*_\[\]|]", r"\\\g<0>", text).replace("<", "&lt;")


def heading_link(text: str, heading: str) -> str:
    """A link to ``heading`` on the same page, as GitHub and the site name its anchor."""
    anchor = re.sub(r"[^\w\s-]", "", heading.lower()).replace(" ", "-")
    return f"[{text}](#{anchor})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
