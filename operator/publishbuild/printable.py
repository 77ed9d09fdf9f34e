"""Others' words as a terminal, a log or a page may show them: what would act is written out, and lines stay lines.

A terminal obeys what it is sent. Control characters clear it, fill the clipboard, have it type an answer into the
shell; others turn text around, hide it, or begin a line that nobody wrote. Tenants choose names, messages and logs.
"""

from __future__ import annotations

import json
import re
from typing import Any

# C0, DEL and C1; what ends lines elsewhere; what turns text around; what cannot be seen; half of a surrogate pair.
# The two joiners of U+200C stay: scripts and emoji are written with them.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e00ff]"
)
_TAB = "    "
_COLOUR = re.compile(r"\x1b\[[0-9;:]*+m")


def printable(text: str) -> str:
    r"""``text`` on one line: without colour codes, and with all else that a terminal would act on written as in Python.

    ``\x1b[2J`` is shown as those six characters. What is printable already is returned as it is.
    """
    if _UNSAFE.search(text) is None:
        return text
    return _UNSAFE.sub(_as_python_writes_it, _COLOUR.sub("", text))


def printable_lines(text: str) -> str:
    """``text`` with each of its lines made printable; a tab, with which traces of calls are written, becomes blanks."""
    lines = text.replace("\t", _TAB).split("\n")
    return "\n".join(printable(line.removesuffix("\r")) for line in lines)


def is_printable(text: str) -> bool:
    """Whether a terminal shows ``text`` as it is, on one line."""
    return _UNSAFE.search(text) is None


def printable_json(document: str) -> str:
    """A JSON document that holds the same, and is safe for a terminal: only line breaks between its parts are left."""
    return _UNSAFE.sub(_as_json_writes_it, document)


def json_line(value: Any, **options: Any) -> str:
    """``value`` as JSON; ``options`` are those of `json.dumps`."""
    return printable_json(json.dumps(value, ensure_ascii=False, **options))


def _as_python_writes_it(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode("ascii")


def _as_json_writes_it(found: re.Match[str]) -> str:
    # Between the strings of a document; within them a line break is escaped already.
    return "\n" if found[0] == "\n" else json.dumps(found[0])[1:-1]
