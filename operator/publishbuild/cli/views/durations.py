"""Durations as people write and read them: ``90s``, ``2h``, ``1h30m``, ``7d``."""

from __future__ import annotations

import re

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_WRITTEN = re.compile(r"^(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?$")


def parse_duration(text: str) -> int:
    """Seconds of ``2h``, ``1h30m`` or a plain number of seconds.

    Raises:
        ValueError: with one line that says what is allowed.
    """
    if text.isascii() and text.isdigit():
        return int(text)
    parts = _WRITTEN.match(text.strip()) if text.strip() else None
    if parts is None:
        raise ValueError(f"{text!r} is no duration: write 90s, 45m, 2h, 1h30m or 1d")
    return sum(int(number) * seconds for number, seconds in zip(parts.groups(), _UNITS.values(), strict=True) if number)


def human_duration(seconds: float) -> str:
    """As `kubectl` shows ages: the two largest units while they matter, ``0s`` for what lies ahead."""
    whole = max(0, int(seconds))
    minutes, hours, days = whole // 60, whole // 3_600, whole // 86_400
    for limit, text in (
        (120, f"{whole}s"),
        (600, _two(minutes, "m", whole % 60, "s")),
        (3 * 3_600, f"{minutes}m"),
        (8 * 3_600, _two(hours, "h", minutes % 60, "m")),
        (48 * 3_600, f"{hours}h"),
        (8 * 86_400, _two(days, "d", hours % 24, "h")),
    ):
        if whole < limit:
            return text
    return f"{days}d"


def _two(first: int, first_unit: str, second: int, second_unit: str) -> str:
    return f"{first}{first_unit}" + (f"{second}{second_unit}" if second else "")
