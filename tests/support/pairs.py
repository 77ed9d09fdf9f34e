"""Few combinations that hold every pair: most faults of a configuration come from two of its options together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

Option = tuple[str, int]
"""A dimension and the index of one of its options."""
Pair = tuple[Option, Option]


def pairwise(dimensions: Mapping[str, Sequence[object]]) -> list[dict[str, int]]:
    """Rows of one option for each dimension, by index; any two options of two dimensions stand together in some row.

    Greedy, and the same at every run: a row begins with a pair that is still missing, and each further dimension takes
    the option that adds most missing pairs.
    """
    missing = all_pairs(dimensions)
    rows: list[dict[str, int]] = []
    while missing:
        row = dict(min(missing))
        for name, options in dimensions.items():
            if name not in row:
                added = [sum(_pair((name, n), other) in missing for other in row.items()) for n in range(len(options))]
                row[name] = added.index(max(added))
        missing -= pairs_of(row)
        rows.append({name: row[name] for name in dimensions})
    return rows


def all_pairs(dimensions: Mapping[str, Sequence[object]]) -> set[Pair]:
    """Every two options of two dimensions."""
    return {
        _pair((first, i), (second, j))
        for first, second in combinations(dimensions, 2)
        for i in range(len(dimensions[first]))
        for j in range(len(dimensions[second]))
    }


def pairs_of(row: Mapping[str, int]) -> set[Pair]:
    """Every two options of one row."""
    return {_pair(first, second) for first, second in combinations(row.items(), 2)}


def _pair(first: Option, second: Option) -> Pair:
    return (first, second) if first < second else (second, first)
