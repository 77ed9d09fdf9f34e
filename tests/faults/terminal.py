"""The one place where the suite talks to a terminal."""

from __future__ import annotations


def say(text: str) -> None:
    """One message, at once."""
    print(text, flush=True)  # noqa: T201
