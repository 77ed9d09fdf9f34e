"""What a pod says, read before it is redacted: of a JSON object each string by itself, anything else as a whole.

Redaction before reading would take a quote or a brace for a part of a secret, and the whole report would be lost.

What a terminal would act on is written out before redaction, which a colour code within a secret would get past:
statuses and Events are read by kubectl and by other programs that write them to a terminal as they are.
"""

from __future__ import annotations

import json

from publishbuild.printable import printable_lines
from publishbuild.redaction import HIDDEN, bounded, is_secret, redacted

# A runner's report has three levels and a few dozen values. What has more is no report, and is redacted as a text.
DEEPEST = 8
MOST_VALUES = 512
# Longer ones are no numbers of anybody's, and slow to read.
_MOST_DIGITS = 19

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


def redacted_words(text: str) -> str:
    """``text`` of at most 8,192 characters, printable and without secrets; a JSON object is one still, and compact."""
    text = bounded(text)
    if not text.lstrip().startswith("{"):
        return _shown(text)
    try:
        said = json.loads(text, parse_int=_number, parse_constant=_refuse)
        hidden = _Strings().redacted(said)
    except (ValueError, RecursionError):
        return _shown(text)
    return text if hidden == said else json.dumps(hidden, ensure_ascii=False, separators=(",", ":"))


class _Strings:
    """Redacts one value after the other, and counts them."""

    def __init__(self) -> None:
        self._count = 0

    def redacted(self, value: Json, name: str = "", depth: int = 0) -> Json:
        """The same value; ``name`` is the key that it stands under. Raises ValueError where it is no report."""
        self._count += 1
        if depth > DEEPEST or self._count > MOST_VALUES:
            raise ValueError("no report has so many values")
        if isinstance(value, dict):
            return {_shown(key): self.redacted(item, key, depth + 1) for key, item in value.items()}
        if isinstance(value, list):
            return [self.redacted(item, name, depth + 1) for item in value]
        if value is None or isinstance(value, bool):
            return value
        text = str(value).encode("utf-8", "replace").decode()  # half a surrogate pair can be written nowhere
        if is_secret(name, text):
            return HIDDEN
        return _shown(text) if isinstance(value, str) else value


def _shown(text: str) -> str:
    """``text`` as anybody may read it. Written out it may be longer, so that its length counts again."""
    return redacted(bounded(printable_lines(text)))


def _number(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
