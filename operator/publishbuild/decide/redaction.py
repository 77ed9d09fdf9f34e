"""Takes what looks like a secret out of another tool's words, before they reach status, Events and logs.

The Expo runner redacts its own report, since it knows its secrets. Any other tool, and a container that dies before it
can report, leaves raw log lines behind; here only their shape can tell.
"""

from __future__ import annotations

import re

HIDDEN = "[redacted]"

_SHAPES = (
    # https://user:password@host, https://token@host
    (re.compile(r"(?<=://)[^/\s@]+(?=@)"), HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    # EXPO_TOKEN=..., "password": "...", --api-key ...
    (
        re.compile(
            r"(?i)([\w-]*(?:token|secret|passw(?:or)?d|api[_-]?key|private[_-]?key|credential)[\w-]*[\"']?\s*[=:]\s*)"
            r"(\"[^\"]*\"|'[^']*'|[^\s,;}\"']+)"
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), HIDDEN),
    (re.compile(r"\b(gh[pousr]_|github_pat_|glpat-|xox[abp]-|AKIA)[A-Za-z0-9_-]{10,}"), HIDDEN),
)


def redacted(text: str) -> str:
    """``text`` without what has the shape of a secret."""
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text
