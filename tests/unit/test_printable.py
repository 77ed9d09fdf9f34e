"""What is printable: nothing that a terminal acts on, and everything that people write."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishbuild.printable import is_printable, json_line, printable, printable_json
from tests.support.hostile_texts import HOSTILE, MARK, unsafe

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))
CONTROLS_OF_DIRECTION = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
JOINERS = "\u200c\u200d"


def test_each_character_is_judged() -> None:
    """Controls, line ends, halves of pairs and what turns text around are written out; letters and signs stay."""
    for character in map(chr, range(sys.maxunicode + 1)):
        kind = unicodedata.category(character)
        acts = kind in {"Cc", "Cs", "Zl", "Zp"} or unicodedata.bidirectional(character) in CONTROLS_OF_DIRECTION
        if acts:
            assert not is_printable(character), hex(ord(character))
            assert printable(character).isascii(), hex(ord(character))
        elif kind not in {"Cf", "Cn"} or character in JOINERS:
            assert printable(character) == character, hex(ord(character))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_shown(name: str) -> None:
    """Of each hostile text its words are left, on one line."""
    shown = printable(HOSTILE[name])
    assert MARK in shown
    assert unsafe(shown) == []
    assert "\n" not in shown


@given(ANY_TEXT)
def test_what_is_printable_stays(text: str) -> None:
    """What was made printable once is not changed again, and can be written in UTF-8."""
    shown = printable(text)
    assert is_printable(shown)
    assert printable(shown) == shown
    shown.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b\x1b[31m[2J", "\\x1b[2J"),
        ("a\r\nb", "a\\r\\nb"),
        ("\x9b2J", "\\x9b2J"),
        ("\u202eexe", "\\u202eexe"),
        ("\ud800", "\\ud800"),
        ("grüße 日本 👩\u200d💻", "grüße 日本 👩\u200d💻"),
    ],
)
def test_how_it_is_written(text: str, shown: str) -> None:
    """A colour is left out, since it says nothing; all else is written as Python writes it."""
    assert printable(text) == shown


@given(st.recursive(ANY_TEXT, lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner), max_leaves=8))
def test_json_is_exact(value: object) -> None:
    """JSON holds the very texts, on one line, and nothing that a terminal acts on."""
    written = json_line(value)
    assert json.loads(written) == value
    assert is_printable(written)


def test_json_on_many_lines_stays_so() -> None:
    """The line breaks between the parts of a document are its own."""
    assert printable_json('{\n  "a": "\x9b"\n}') == '{\n  "a": "\\u009b"\n}'
