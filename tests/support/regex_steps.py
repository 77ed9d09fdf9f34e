"""Counts the steps of a backtracking search, as Python's `re` takes them: no clock, so the same on each machine.

It walks the tree that Python's own parser makes of an expression, in the order in which `re` tries things, and counts.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from tests.support.regex_characters import CHARACTERS, character_test, is_at

Tree = list[tuple[Any, Any]]
Continue = Callable[[int], bool]
Match = Callable[[int, Continue], bool]

REPEATS = frozenset((op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT))
LOOKS = frozenset((op.ASSERT, op.ASSERT_NOT))
# For each character: more than the widest window of a fixed length takes.
MOST_STEPS = 400


class TooManyStepsError(Exception):
    """The search was given up: it grows faster than anybody would count."""


class Counter:
    """One expression, and the steps that searches of it have taken so far."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.tree: Tree = list(_parser.parse(pattern.pattern, pattern.flags))
        self.steps = self._most = 0
        self._groups: dict[int, tuple[int, int]] = {}
        self._text = ""
        self._match = self._sequence(self.tree, pattern.flags)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where it matches, one after the other, as `re.finditer` says for matches that are not empty."""
        self._text, self.steps, self._most = text, 0, MOST_STEPS * (len(text) + 64)
        found, at = [], 0
        while at <= len(text):
            ends: list[int] = []
            self._groups.clear()

            def end(place: int, ends: list[int] = ends) -> bool:
                ends.append(place)
                return True

            if self._match(at, end) and ends[0] > at:
                found.append((at, ends[0]))
                at = ends[0]
            else:
                at += 1
        return found

    def _step(self) -> None:
        self.steps += 1
        if self.steps > self._most:
            raise TooManyStepsError

    def _sequence(self, tree: Tree, flags: int) -> Match:
        parts = [self._one(kind, value, flags) for kind, value in tree]

        def match(at: int, then: Continue, index: int = 0) -> bool:
            if index == len(parts):
                return then(at)
            return parts[index](at, lambda place: match(place, then, index + 1))

        return match if len(parts) != 1 else parts[0]

    def _one(self, kind: Any, value: Any, flags: int) -> Match:
        if kind in CHARACTERS:
            return self._character(character_test(kind, value, flags))
        if kind in REPEATS:
            return self._repeat(kind, value, flags)
        if kind in LOOKS:
            return self._look(kind is op.ASSERT, value[0], value[1], flags)
        makers: dict[Any, Callable[[Any, int], Match]] = {
            op.SUBPATTERN: self._group,
            op.BRANCH: self._branch,
            op.ATOMIC_GROUP: lambda tree, flags: self._atomic(self._sequence(list(tree), flags)),
            op.AT: self._place,
            op.GROUPREF: self._again,
            op.FAILURE: lambda _value, _flags: lambda _at, _then: False,
        }
        return makers[kind](value, flags)

    def _character(self, fits: Callable[[str], bool]) -> Match:
        def match(at: int, then: Continue) -> bool:
            self._step()
            return at < len(self._text) and fits(self._text[at]) and then(at + 1)

        return match

    def _repeat(self, kind: Any, value: tuple[int, Any, Any], flags: int) -> Match:
        least, tree = value[0], list(value[2])
        most: int = sys.maxsize if value[1] is op.MAXREPEAT else value[1]
        if len(tree) == 1 and tree[0][0] in CHARACTERS:
            return self._run(kind, least, most, character_test(tree[0][0], tree[0][1], flags))
        one = self._sequence(tree, flags)

        def more(at: int, then: Continue, count: int) -> bool:
            return count < most and one(at, lambda place: place > at and many(place, then, count + 1))

        def many(at: int, then: Continue, count: int) -> bool:
            self._step()
            if count < least:
                return more(at, then, count)
            if kind is op.MIN_REPEAT:
                return then(at) or more(at, then, count)
            return more(at, then, count) or then(at)

        def match(at: int, then: Continue) -> bool:
            return many(at, then, 0)

        return self._atomic(match) if kind is op.POSSESSIVE_REPEAT else match

    def _run(self, kind: Any, least: int, most: int, fits: Callable[[str], bool]) -> Match:
        """One character again and again, without recursion."""

        def match(at: int, then: Continue) -> bool:
            end, last = at, min(len(self._text), at + most)
            if kind is op.MIN_REPEAT:
                while True:
                    self._step()
                    if end - at >= least and then(end):
                        return True
                    if end >= last or not fits(self._text[end]):
                        return False
                    end += 1
            while end < last and fits(self._text[end]):
                self._step()
                end += 1
            if kind is op.POSSESSIVE_REPEAT:
                return end - at >= least and then(end)
            for place in range(end, at + least - 1, -1):
                self._step()
                if then(place):
                    return True
            return False

        return match

    def _group(self, value: Any, flags: int) -> Match:
        group, added, removed, tree = value
        body = self._sequence(list(tree), (flags | added) & ~removed)
        if group is None:
            return body

        def match(at: int, then: Continue) -> bool:
            def closed(end: int) -> bool:
                before = self._groups.get(group)
                self._groups[group] = (at, end)
                if then(end):
                    return True
                self._groups.pop(group) if before is None else self._groups.update({group: before})
                return False

            return body(at, closed)

        return match

    def _branch(self, value: Any, flags: int) -> Match:
        branches = [self._sequence(list(branch), flags) for branch in value[1]]
        return lambda at, then: any(branch(at, then) for branch in branches)

    @staticmethod
    def _atomic(body: Match) -> Match:
        def match(at: int, then: Continue) -> bool:
            ends: list[int] = []
            return body(at, lambda end: not ends.append(end)) and then(ends[0])  # type: ignore[func-returns-value]

        return match

    def _look(self, wanted: bool, direction: int, body: Any, flags: int) -> Match:
        inner = self._sequence(list(body), flags)
        width = body.getwidth()[0] if direction < 0 else 0

        def match(at: int, then: Continue) -> bool:
            self._step()
            seen = at >= width and inner(at - width, lambda end: direction > 0 or end == at)
            return seen is wanted and then(at)

        return match

    def _place(self, where: Any, flags: int) -> Match:
        def match(at: int, then: Continue) -> bool:
            self._step()
            return is_at(where, self._text, at, flags) and then(at)

        return match

    def _again(self, group: int, _flags: int) -> Match:
        def match(at: int, then: Continue) -> bool:
            self._step()
            start, end = self._groups.get(group, (0, -1))
            said = self._text[start:end]
            return end >= start and self._text.startswith(said, at) and then(at + len(said))

        return match
