"""A figure: measured several times, compared with what is promised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Figure:
    """``values`` of ``what``, in ``unit``; ``promised`` is the most, with ``at_least`` the least, allowed."""

    what: str
    unit: str
    promised: float
    values: tuple[float, ...]
    at_least: bool = False

    @property
    def worst(self) -> float:
        """The value that is farthest from good."""
        return min(self.values) if self.at_least else max(self.values)

    @property
    def held(self) -> bool:
        """Whether every value keeps the promise."""
        return self.worst >= self.promised if self.at_least else self.worst <= self.promised

    @property
    def row(self) -> str:
        """One line of the table."""
        sign = "≥" if self.at_least else "≤"
        return (
            f"| {self.what} | {sign} {self.promised:g} {self.unit} | {median(self.values):.3g} {self.unit} |"
            f" {self.worst:.3g} {self.unit} | {len(self.values)} | {'yes' if self.held else '**no**'} |"
        )

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        return asdict(self) | {"median": median(self.values), "worst": self.worst, "held": self.held}


def table(figures: Iterable[Figure]) -> str:
    """The figures as a Markdown table."""
    head = "| what | promised | median | worst | runs | held |\n|---|---|---:|---:|---:|---|"
    return "\n".join([head, *(figure.row for figure in figures)])
