"""What one character, or one place in a text, must be for a part of a regular expression, as `re` sees it."""

from __future__ import annotations

import re
from collections.abc import Callable
from re import _constants as op  # type: ignore[attr-defined]
from typing import Any

CHARACTERS = frozenset((op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN))


def character_test(kind: Any, value: Any, flags: int) -> Callable[[str], bool]:
    """Whether one character fits, remembered for each that was asked for."""
    known: dict[str, bool] = {}

    def fits(character: str) -> bool:
        if character not in known:
            cases = {character, character.lower(), character.upper()} if flags & re.IGNORECASE else {character}
            known[character] = any(_fits(kind, value, case, flags) for case in cases)
        return known[character]

    return fits


def _fits(kind: Any, value: Any, character: str, flags: int) -> bool:
    if kind is op.ANY:
        return bool(flags & re.DOTALL) or character != "\n"
    if kind is not op.IN:
        return bool(ord(character) == value) is (kind is op.LITERAL)
    negated = bool(value) and value[0][0] is op.NEGATE
    return any(_in_set(item, character) for item in value) is not negated


def _in_set(item: tuple[Any, Any], character: str) -> bool:
    kind, value = item
    if kind is op.LITERAL:
        return bool(ord(character) == value)
    if kind is op.RANGE:
        return bool(value[0] <= ord(character) <= value[1])
    if kind is op.CATEGORY:
        name = str(value).rsplit("_", 1)[-1]
        is_not = "_NOT_" in str(value)
        fits = {"DIGIT": character.isdigit(), "SPACE": character.isspace(), "WORD": _is_word(character)}[name]
        return fits is not is_not
    return False


def is_at(where: Any, text: str, at: int, flags: int) -> bool:
    if where is op.AT_BEGINNING_STRING or (where is op.AT_BEGINNING and not flags & re.MULTILINE):
        return at == 0
    if where is op.AT_BEGINNING:
        return at == 0 or text[at - 1] == "\n"
    if where is op.AT_END_STRING:
        return at == len(text)
    if where is op.AT_END:
        line = bool(flags & re.MULTILINE) and at < len(text) and text[at] == "\n"
        return at == len(text) or line or (at == len(text) - 1 and text[at] == "\n")
    word = [0 <= place < len(text) and _is_word(text[place]) for place in (at - 1, at)]
    return (word[0] is not word[1]) is (where is op.AT_BOUNDARY)


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
