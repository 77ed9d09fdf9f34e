"""Few combinations that hold every pair."""

from __future__ import annotations

from tests.support.pairs import all_pairs, pairs_of, pairwise


def test_every_pair_is_in_some_row() -> None:
    """Any two options stand together in a row, in far fewer rows than there are combinations, the same each time."""
    dimensions = {"a": "01234", "b": "0123", "c": "012", **{f"flag{n}": "01" for n in range(10)}}
    rows = pairwise(dimensions)
    assert all(set(row) == set(dimensions) for row in rows)
    assert set().union(*map(pairs_of, rows)) == all_pairs(dimensions)
    assert len(rows) <= 30
    assert rows == pairwise(dimensions)
