"""What an endpoint answers, in no framework's words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and a text, without the line break at its end."""

    status: int
    text: str


NOT_LEADING = Answer(503, "this operator does not lead: try again, another one may answer")
