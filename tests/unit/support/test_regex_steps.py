"""The counter of steps is right: it finds what `re` finds, and tells what is linear from what is not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.regex_attack import SUPERLINEAR, growth
from tests.support.regex_steps import Counter

EXPRESSIONS = [
    r"(a|b)*?c", r"^a+\Z|b$", r"(?i)(?<![\w-])a[\w-]*+=", r"(?<=b)a{1,2}b?", r"(a)(b)?\1", r"(?>a|ab)c", r"\ba+\b",
    r"[^ab]+?c", r"(?=.*=)a.", r"(?:ab?){2,3}", r"-(?!a)[ab]*", r"(?m)^a", r"(?s)a.b", r"(?i:A)b",
]  # fmt: skip
LINEAR = [r"[a-z]+", r"(?<![\w-])[\w-]+=", r"\"(?:[^\"\\]++|\\.)*+\"?", r"^(a|b)*$", r"a{1,100}b", r"token[\w-]{0,40}="]
NOT_LINEAR = [
    r"(a+)+$", r"(a|a)*b", r"[\w-]*token", r"token[\w-]*=", r"a*a*b", r"^[a-z]+://[^/@]*:[^/@]*@", r"No .* host",
    r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}", r"\s+$", r"'.*' not found", r"(\w+:)?\w+://", r"(.|\n)*?x",
    r"([\w-]*(?:token|secret|passw(?:or)?d|api[_-]?key)[\w-]*[\"']?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;}\"']+)",
]  # fmt: skip


@pytest.mark.parametrize("expression", EXPRESSIONS)
@given(text=st.text("abcAB-= \n", max_size=12))
def test_it_finds_what_re_finds(expression: str, text: str) -> None:
    """A count is worth something only where the search is the same one."""
    pattern = re.compile(expression)
    found = [match.span() for match in pattern.finditer(text) if match.group()]
    assert Counter(pattern).spans(text) == found


@pytest.mark.parametrize("expression", LINEAR)
def test_what_is_linear_is_said_to_be(expression: str) -> None:
    """Repetitions that end where their own characters end, and windows of a fixed length, are nobody's trouble."""
    assert growth(re.compile(expression)).ratio <= SUPERLINEAR


@pytest.mark.parametrize("expression", NOT_LINEAR)
def test_what_is_not_linear_is_found(expression: str) -> None:
    """Nested and overlapping repetitions, and those that begin anew at each character: also that of 439b198."""
    assert growth(re.compile(expression)).ratio > SUPERLINEAR
