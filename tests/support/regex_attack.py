"""Feeds a regular expression with what is hostile to it, and says how its cost grows: 1 is linear, 2 is quadratic.

The texts are made of the expression's own parts, since only what it nearly matches can make it try again.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from re import _constants as op  # type: ignore[attr-defined]
from typing import Any

from tests.support.regex_characters import CHARACTERS, character_test
from tests.support.regex_steps import LOOKS, REPEATS, Counter, TooManyStepsError, Tree

# Costs are periodic but for their ends: nothing linear comes near it, nor anything quadratic below it.
SUPERLINEAR = 1.05
_SHORT, _LONG = 32, 200
_NEIGHBOURS = 10
_WORDS, _OTHERS = "a0Z_", "- \"'=:/.@\\\n&"
# The end, a character that no class names, and one that `.` and `$` stop at.
_TAILS = ("", "\x00", "\n\x00")
_SAMPLES = _WORDS + _OTHERS
# Recursion of Python alone, which takes no stack of C.
_DEEP = 60_000


@dataclass(frozen=True)
class Worst:
    """The text that costs most: ``head``, then ``pump`` again and again, then ``tail``."""

    ratio: float
    head: str = ""
    pump: str = ""
    tail: str = ""


def growth(pattern: re.Pattern[str]) -> Worst:
    """The worst growth that texts of the expression's own parts bring about, or the first that is not linear."""
    counter = Counter(pattern)
    worst, limit = Worst(1.0), sys.getrecursionlimit()
    sys.setrecursionlimit(_DEEP)
    try:
        for head, pump, tail in _texts(counter.tree):
            ratio = _ratio(counter, head, pump, tail, _SHORT)
            if ratio > SUPERLINEAR:  # so a window of fixed length seems, until the text is longer
                ratio = _ratio(counter, head, pump, tail, _LONG)
            worst = max(worst, Worst(ratio, head, pump, tail), key=lambda one: one.ratio)
            if worst.ratio > SUPERLINEAR:
                break
    finally:
        sys.setrecursionlimit(limit)
    return worst


def _ratio(counter: Counter, head: str, pump: str, tail: str, least: int) -> float:
    """Cost of a character in the second half of the last doubling, in those of the one before."""
    count = max(5, -(-least // len(pump)))
    try:
        costs = []
        for times in (count, 2 * count, 4 * count):
            counter.spans(head + pump * times + tail)
            costs.append(counter.steps)
    except TooManyStepsError:
        return float("inf")
    first, second = costs[1] - costs[0], (costs[2] - costs[1]) / 2
    return second / first if first > 0 else 1.0


def _texts(tree: Tree) -> Iterator[tuple[str, str, str]]:
    """Heads, pumps and tails: all that repeats in the expression, all its literal parts, and pairs of neighbours."""
    parts = list(dict.fromkeys(part for part in _parts(tree) if part))
    heads = list(dict.fromkeys(["", *_heads(tree)]))
    pairs = list(dict.fromkeys(_pairs(tree)))
    for pump in parts:
        for head, tail in itertools.product(heads[:8], _TAILS):
            yield head, pump, tail
    for pump in pairs:
        yield "", pump, _TAILS[-1]


def _parts(tree: Tree) -> Iterator[str]:
    yield _sample(tree)
    literal = ""
    for kind, value in tree:
        if kind is op.LITERAL:
            literal += chr(value)
            continue
        yield literal
        literal = ""
        if kind in CHARACTERS:
            fits = character_test(kind, value, 0)
            yield from itertools.islice(filter(fits, _WORDS), 1)
            yield from itertools.islice(filter(fits, _OTHERS), 2)
        for body in _bodies(kind, value):
            yield from _parts(body)
    yield literal


def _pairs(tree: Tree) -> Iterator[str]:
    """Two parts of one sequence, at whatever depth, in both orders."""
    here = list(dict.fromkeys(part for part in _parts(tree) if part))[:_NEIGHBOURS]
    yield from (one + other for one, other in itertools.permutations(here, 2))
    for kind, value in tree:
        for body in _bodies(kind, value):
            yield from _pairs(body)


def _bodies(kind: Any, value: Any) -> list[Tree]:
    if kind in REPEATS:
        return [list(value[2])]
    if kind is op.SUBPATTERN:
        return [list(value[3])]
    if kind is op.BRANCH:
        return [list(branch) for branch in value[1]]
    if kind in LOOKS:
        return [list(value[1])]
    return [list(value)] if kind is op.ATOMIC_GROUP else []


def _heads(tree: Tree) -> Iterator[str]:
    """What leads to each repetition on the way through the expression."""
    for index, (kind, value) in enumerate(tree):
        before = _sample(tree[:index])
        if kind in REPEATS:
            yield before
        for body in _bodies(kind, value):
            yield from (before + inner for inner in _heads(body))


def _sample(tree: Tree) -> str:
    """A short text that the tree matches, or nearly so."""
    made = ""
    for kind, value in tree:
        if kind is op.LITERAL:
            made += chr(value)
        elif kind in CHARACTERS:
            fits = character_test(kind, value, 0)
            everything = itertools.chain(_SAMPLES, map(chr, range(33, 127)))
            made += next((character for character in everything if fits(character)), "")
        elif kind in REPEATS:
            made += _sample(list(value[2])) * max(1, value[0])
        elif kind not in {*LOOKS, op.AT}:
            made += next(map(_sample, _bodies(kind, value)), "")
    return made
