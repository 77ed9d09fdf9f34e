"""How often the integration suite was good, counted for one content of the code."""

from __future__ import annotations

from tests.repeat.ledger import CONTENTS_KEPT, Row, Run, read, table, with_runs

GOOD, LOADED = Run("2026-03-01", 1, under_load=False), Run("2026-03-02", 2, under_load=True)
FAILED = Run("2026-03-03", 3, under_load=True, failed=("tests/integration/test_a.py::test_b[x | `y`]",))


def test_runs_of_one_content_add_up() -> None:
    """Runs are added to those that the table has of the same content, also under load, and what failed is named."""
    rows = with_runs([], "0123456789ab", [GOOD, LOADED])
    again = with_runs(read(table(rows)), "0123456789ab", [FAILED, GOOD])
    [row] = read(table(again))
    assert (row.day, row.good, row.runs, row.good_under_load, row.runs_under_load) == ("2026-03-01", 3, 4, 1, 2)
    assert row.failed == ("tests/integration/test_a.py::test_b[x / y] (3)",)
    assert row.text().splitlines() == ["3 of 4 good for 0123456789ab, 1 of 2 under load", *row.failed]


def test_another_content_begins_anew() -> None:
    """A change of the code makes a row of its own, on top; rows that are old are left out."""
    rows: list[Row] = []
    for number in range(CONTENTS_KEPT + 2):
        rows = with_runs(read(table(rows)), f"{number:012x}", [GOOD])
    assert [(int(row.content, 16), row.runs) for row in rows] == [
        (number, 1) for number in reversed(range(2, CONTENTS_KEPT + 2))
    ]
