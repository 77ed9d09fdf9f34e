"""An explanation as it is read: a sentence, what shows it, what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from rich.text import Text

from publishbuild.cli.views.explain import Explanation
from publishbuild.cli.views.styled import stacked, styled
from publishbuild.cli.views.wrapping import broken

_INDENT = "  "
# The name of a platform is a word of the tool's that has built for it.
_WIDEST_LABEL = 24


def explained(explanation: Explanation, width: int | None) -> Text:
    """Broken at ``width``, None for lines of any length; a command is never broken, so that it can be copied."""
    return stacked(_lines(explanation, width))


def as_data(explanation: Explanation) -> Mapping[str, Any]:
    """The same for programs."""
    return asdict(explanation)


def _lines(explanation: Explanation, width: int | None) -> Iterator[Text]:
    for line in broken(f"{explanation.cause}.", "", width):
        yield styled(line, style="bold")
    if explanation.evidence:
        yield styled()
    column = min(max((len(fact.what) for fact in explanation.evidence), default=0), _WIDEST_LABEL)
    before = ""
    for fact in explanation.evidence:
        label = "" if fact.what == before else fact.what
        before = fact.what
        first, *rest = broken(fact.says, " " * (column + 2 * len(_INDENT)), width)
        yield styled(_INDENT, (label.ljust(column), "cyan"), _INDENT, first.lstrip())
        yield from map(styled, rest)
    yield styled()
    yield styled("What to do:", style="bold")
    for step in explanation.steps:
        yield from map(styled, broken(step.text, _INDENT, width))
        if step.command:
            yield styled(f"{_INDENT * 3}{step.command}", style="green")
