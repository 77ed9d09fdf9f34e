"""How often the integration suite was good, by content of ``operator/`` and ``tests/``: a table of docs/test-runs.md.

The document is the ledger, so that it grows over days and machines. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

HEAD = (
    "| last run | content | good | of them under load | failed, with the seed of the order |",
    "|---|---|---|---|---|",
)
CONTENTS_KEPT = 8
_ROW = re.compile(
    r"\| (?P<day>\S+) \| `(?P<content>\w+)` \| (?P<good>\d+) of (?P<runs>\d+) \|"
    r" (?P<good_under_load>\d+) of (?P<runs_under_load>\d+) \| (?P<failed>.*?) \|"
)


@dataclass(frozen=True)
class Run:
    """One run of the suite; ``failed`` are node ids, or what else it ended with. ``day`` is YYYY-MM-DD."""

    day: str
    seed: int
    under_load: bool
    failed: Sequence[str] = ()


@dataclass(frozen=True)
class Row:
    """All runs of one content."""

    content: str
    day: str = ""
    good: int = 0
    runs: int = 0
    good_under_load: int = 0
    runs_under_load: int = 0
    failed: tuple[str, ...] = ()

    def with_run(self, run: Run) -> Row:
        """The row with one run more."""
        good = not run.failed
        return replace(
            self,
            day=run.day,
            good=self.good + good,
            runs=self.runs + 1,
            good_under_load=self.good_under_load + (good and run.under_load),
            runs_under_load=self.runs_under_load + run.under_load,
            failed=(*self.failed, *(f"{test} ({run.seed})" for test in run.failed)),
        )

    def text(self) -> str:
        """For the terminal."""
        load = f"{self.good_under_load} of {self.runs_under_load} under load"
        return "\n".join([f"{self.good} of {self.runs} good for {self.content}, {load}", *self.failed])


def read(document: str) -> list[Row]:
    """The rows of the table in ``document``, the newest first."""
    rows = []
    for found in _ROW.finditer(document):
        counts = {name: int(found[name]) for name in ("good", "runs", "good_under_load", "runs_under_load")}
        failed = tuple(re.findall(r"`([^`]+)`", found["failed"]))
        rows.append(Row(content=found["content"], day=found["day"], failed=failed, **counts))
    return rows


def with_runs(rows: Sequence[Row], content: str, runs: Sequence[Run]) -> list[Row]:
    """The rows with ``runs`` of ``content``, which comes first; old contents are left out."""
    newest = next((row for row in rows if row.content == content), Row(content))
    for run in runs:
        newest = newest.with_run(run)
    return [newest, *(row for row in rows if row.content != content)][:CONTENTS_KEPT]


def table(rows: Sequence[Row]) -> str:
    """As Markdown."""
    return "\n".join([*HEAD, *map(_line, rows)])


def _line(row: Row) -> str:
    # A | would end the cell, and a test's parameter may hold one.
    failed = ", ".join(f"`{test.replace('|', '/').replace('`', '')}`" for test in row.failed) or "none"
    load = f"{row.good_under_load} of {row.runs_under_load}"
    return f"| {row.day} | `{row.content}` | {row.good} of {row.runs} | {load} | {failed} |"
