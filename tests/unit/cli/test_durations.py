"""Durations as people write and read them."""

from __future__ import annotations

import pytest

from publishbuild.cli.views.durations import human_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("45m", 2700), ("2h", 7200), ("1h30m", 5400), ("1d", 86400), ("1d2h3m4s", 93784), ("0", 0)],
)  # fmt: skip
def test_a_duration_is_read(text: str, seconds: int) -> None:
    """Units may be combined from the largest to the smallest; a plain number is seconds."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", " ", "h", "1x", "1.5h", "-1h", "30m1h", "1h 30m", "\u0661h", "\uff11\uff12"])
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    """Anything else is refused with a line that shows what is allowed."""
    with pytest.raises(ValueError, match="1h30m"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0s"),
        (0, "0s"),
        (119.9, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (599, "9m59s"),
        (600, "10m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 20 * 60, "3h20m"),
        (8 * 3600 + 20 * 60, "8h"),
        (50 * 3600, "2d2h"),
        (9 * 86400 + 3600, "9d"),
    ],
)
def test_a_duration_is_shown_as_kubectl_shows_it(seconds: float, text: str) -> None:
    """Two units while they matter, one where they do not, and nothing below zero."""
    assert human_duration(seconds) == text
