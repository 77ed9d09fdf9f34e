"""No regular expression of the project can be held up by the text that it is given."""

from __future__ import annotations

import pytest

from tests.support.patterns import compiled_texts, hidden_uses, patterns, sources
from tests.support.regex_attack import SUPERLINEAR, growth

PATTERNS = patterns()


@pytest.mark.parametrize("name", PATTERNS)
def test_each_character_costs_a_fixed_number_of_steps(name: str) -> None:
    """What is hostile to a pattern costs twice as much where it is twice as long, and no more; steps are counted."""
    worst = growth(PATTERNS[name])
    assert worst.ratio <= SUPERLINEAR, f"{PATTERNS[name].pattern!r}: {worst}"


@pytest.mark.parametrize("path", sources())
def test_each_pattern_is_compiled_where_it_is_found(path: str) -> None:
    """A pattern stands at the top of its module, where the test above meets it, and not within a function."""
    assert hidden_uses(sources()[path]) == []


@pytest.mark.parametrize("path", sources())
def test_no_pattern_is_missed(path: str) -> None:
    """Whatever is compiled is met above, however it is kept."""
    assert compiled_texts(sources()[path]) <= {pattern.pattern for pattern in PATTERNS.values()}


@pytest.mark.parametrize(
    "source",
    [
        "import re\ndef f(): return re.compile('a')",
        "import re\nre.match('a', 'b')",
        "import re\nf = lambda text: re.sub('a', '', text)",
        "from re import search",
        "import re as regex",
    ],
)
def test_a_hidden_pattern_is_found(source: str) -> None:
    """The test above is worth something: each way to hide a pattern is seen."""
    assert hidden_uses(source)
