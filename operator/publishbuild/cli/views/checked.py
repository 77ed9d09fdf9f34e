"""The checks of `publishbuild doctor` as they are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from publishbuild.cli.views.check import Check, Mark
from publishbuild.cli.views.styled import stacked, styled
from publishbuild.cli.views.wrapping import broken

_STYLES = {Mark.GOOD: "green", Mark.DOUBT: "yellow", Mark.BAD: "bold red"}


def checked(checks: Sequence[Check], width: int | None) -> Text:
    """A line for each check, broken at ``width``, and below it what to do."""
    return stacked(line for check in checks for line in _lines(check, max(len(one.what) for one in checks), width))


def _lines(check: Check, column: int, width: int | None) -> Iterator[Text]:
    indent = " " * (column + 4)
    first, *rest = broken(check.says, indent, width)
    style = _STYLES[check.mark]
    yield styled((f"{check.mark} ", style), (check.what.ljust(column), "bold"), "  ", first.lstrip())
    yield from map(styled, rest)
    if check.mark is not Mark.GOOD:
        yield from (styled(line, style="cyan") for line in broken(f"→ {check.fix}", indent, width))
