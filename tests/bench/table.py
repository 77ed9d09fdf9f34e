"""The rows of the benchmark: each measured several times, with its ceiling or its goal beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from statistics import median, quantiles
from typing import Any


@dataclass(frozen=True)
class Row:
    """``values`` of ``what`` in ``unit``; ``goal`` is the most, with ``at_least`` the least, that is wanted, if any.

    With a ``ceiling``, what a client that does nothing else reached in the same run, the goal is for the ratio of both.
    """

    what: str
    unit: str
    values: tuple[float, ...]
    goal: float | None = None
    at_least: bool = False
    ceiling: tuple[float, ...] = ()

    @property
    def figure(self) -> float:
        """The median."""
        return median(self.values)

    @property
    def judged(self) -> float:
        """What is compared with the goal: the figure, or its ratio to the ceiling."""
        return self.figure / median(self.ceiling) if self.ceiling else self.figure

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
        if self.goal is None:
            return True
        return self.judged >= self.goal if self.at_least else self.judged <= self.goal

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        between = spread(self.values, ".3g") if len(self.values) > 1 else "-"
        ceiling = f"{median(self.ceiling):.3g}{_space(self.unit)}" if self.ceiling else "-"
        ratio = f"{self.judged:.2f}" if self.ceiling else "-"
        reached = f"{self.figure:.3g}{_space(self.unit)}"
        return self.what, reached, between, ceiling, ratio, *self._goal_cells

    @property
    def _goal_cells(self) -> tuple[str, str]:
        if self.goal is None:
            return "-", "-"
        sign = "≥" if self.at_least else "≤"
        wanted = f"{sign} {self.goal:g}" + (" of the ceiling" if self.ceiling else _space(self.unit))
        return wanted, "yes" if self.met else "**no**"

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Row:
        """What `as_json` made."""
        told = {each.name: row[each.name] for each in fields(cls)}
        return cls(**told | {"values": tuple(row["values"]), "ceiling": tuple(row["ceiling"])})

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self) | {"figure": self.figure, "judged": self.judged, "met": self.met}


HEAD = ("figure", "median", "spread", "ceiling", "ratio", "goal", "met")


def markdown(rows: Iterable[Row]) -> str:
    """The table for the document."""
    return markdown_table(HEAD, (row.cells for row in rows))


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown; each row has as many cells as ``head``."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def spread(values: Sequence[float], form: str) -> str:
    """The least and the most of ``values``, each in the format ``form``."""
    return f"{min(values):{form}} to {max(values):{form}}"


def percentile(values: Iterable[float], percent: int) -> float:
    """The value below which ``percent`` of all lie."""
    return quantiles(sorted(values), n=100, method="inclusive")[percent - 1]


def _space(unit: str) -> str:
    return f" {unit}" if unit else ""
