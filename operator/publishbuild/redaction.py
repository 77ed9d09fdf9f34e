"""Takes what looks like a secret out of tenants' words, in linear time, before they reach status, Events and logs.

The Expo runner knows its secrets and hides them by value (`publishbuild.runner.redact`). Any other tool, and a
container that dies before it can report, leaves raw log lines behind: here only their shape can tell.

Whoever can start a pod chooses these words, and the operator reads them in its one loop. So the length comes first
(`LONGEST_TEXT`), and no pattern takes more than a fixed number of steps for each character:
``tests/unit/test_patterns.py`` counts them. A repetition is possessive, or ends where its own characters end; a
pattern that could begin again within its own match consumes that match whether it is a secret or not.
"""

from __future__ import annotations

import re
from collections.abc import Callable

HIDDEN = "[redacted]"
LONGEST_TEXT = 8_192
"""Characters of a tenant's text that are read. Kubernetes keeps 4,096 bytes of a termination message."""

# Each pattern begins with a character or a set of them: `re` skips to those many times faster than it tries.
_PRIVATE_KEY = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_KEY_FILE = re.compile(rf"-----BEGIN {_PRIVATE_KEY}.*?(?:-----END {_PRIVATE_KEY}|\Z)", re.DOTALL)
# The end of a key file, where the text begins in the middle of one.
_END_OF_KEY_FILE = re.compile(rf"\A[A-Za-z0-9+/=\s]++-----END {_PRIVATE_KEY}")
# GitHub, GitLab, npm, Slack, Stripe, AWS, Google, and any JSON Web Token.
_TOKEN = re.compile(
    r"[gnxrsAye](?<!\w.)(?:(?<=g)(?:h[pousr]_|ithub_pat_|lpat-)[\w-]{10,}+|(?<=n)pm_[A-Za-z0-9]{30,}+"
    r"|(?<=x)ox[abeoprs]-[\w-]{10,}+|(?<=[rs])k_live_\w{16,}+|(?<=A)(?:KIA[\w-]{10,}+|SIA[A-Z0-9]{12,}+|Iza[\w-]{30,}+)"
    r"|(?<=y)a29\.[\w-]{20,}+|(?<=e)yJ[\w-]{8,}+(?:\.[\w-]*+){0,4})"
)
# https://user:password@, https://token@. The user alone of an ssh URL is no secret.
_USER_INFO = re.compile(r"://(?<!ssh://)[^/\s\"'<>]*@")
_SSH_USER_INFO = re.compile(r"://(?<=ssh://)([^/\s\"'<>:]*:)[^/\s\"'<>]*@")
_AWS_SIGNATURE = re.compile(r"Signature=(?<![\w-]Signature=)[A-Za-z0-9%+/=]{16,}+")
_QUERY = re.compile(
    r"([?&](?:amp;)?+(?=[\w.-]*?(?i:token|secret|passw|credential|signature=|(?<![a-z])sig=|key=))[\w.-]++=)"
    r"[^&\s\"'<>]++"
)
_SCHEME = re.compile(r"([Bb](?<!\w.)(?i:earer|asic)\s++)([A-Za-z0-9._~+/=-]{8,}+)")

# A name that holds one of these words, from the word on: EXPO_TOKEN, storePassword, --api-key, _auth.
_WORD = (
    r"[TtSsPpCcAaKk_](?i:(?<=t)oken|(?<=s)(?:ecret|torepass)|(?<=p)(?:assw(?:or)?d|assphrase|rivate[_-]?key)"
    r"|(?<=c)redential|(?<=a)(?:uthorization|pi[_-]?key|ccess[_-]?key|ccount[_-]?key)|(?<=k)eypass|(?<=_)auth(?![\w-]))"
)
_QUOTED = (
    r"\\+\"[^\"\\]*+"  # \"…\", as in a text that is itself quoted
    r"|\"(?:[^\"\\]++|\\.)*+(?=\")"
    r"|'(?:[^'\\]++|\\.)*+(?=')"
    r"|[\"'][^\n]*+"  # never closed: the text was cut off
)
_BARE = r"[^\s,;}\"']++"
# EXPO_TOKEN=…, "password": "…", Authorization: Bearer …
_NAMED = re.compile(
    rf"({_WORD}[\w-]*+)(?:\\*+[\"']?+\s*+(?:=>|:=|[=:])"
    rf"(?:\s*+({_QUOTED})|[ \t]*+(?:(?i:bearer|basic|digest|token)[ \t]++(?=[^\s,;}}\"']))?+({_BARE})))?+",
    re.DOTALL,
)
_NAME, _VALUE = 1, 2
_SECRET_NAME = re.compile(_WORD)
# --token …
_FLAG = re.compile(rf"(-(?<![\w-]-)-?+(?=[\w-]*?{_WORD})[\w-]++)[ \t]++(?![-<\[])({_QUOTED}|{_BARE})", re.DOTALL)
# Ends of names of what is about a secret, and holds none: tokenType, secretRef, PASSWORD_FILE.
_ABOUT = ("name", "names", "type", "types", "path", "paths", "file", "files", "ref", "refs", "count", "limit", "length")
# Values that are none: "token: expired", "--token is required".
_NO_VALUES = frozenset(
    (
        "a", "an", "and", "are", "argument", "as", "but", "by", "can", "cannot", "denied", "deprecated", "did",
        "does", "empty", "expired", "false", "flag", "for", "from", "given", "has", "if", "in", "incorrect",
        "instead", "invalid", "is", "it", "may", "missing", "must", "needs", "nil", "no", "none", "not", "null",
        "on", "only", "option", "or", "parameter", "rejected", "removed", "required", "requires", "set", "should",
        "the", "to", "true", "undefined", "unknown", "unset", "value", "was", "when", "with", "wrong", "yes",
        "your",
    )
)  # fmt: skip
_MASKS = (HIDDEN, "***")
_UNEXPECTED = "unexpected "
_QUOTES = "\\\"'"


def bounded(text: str) -> str:
    """The first 8,192 characters of ``text``, without the word that is cut through, which may be half a secret."""
    if len(text) <= LONGEST_TEXT:
        return text
    words = text[:LONGEST_TEXT].rsplit(maxsplit=1)
    return f"{words[0]} …" if len(words) > 1 else "…"


def redacted(text: str, mask: str = HIDDEN) -> str:
    """``text`` with ``mask`` in place of what has the shape of a secret; what is around it stays."""
    if "PRIVATE KEY" in text:
        text = _END_OF_KEY_FILE.sub(mask, _KEY_FILE.sub(mask, text), count=1)
    text = _TOKEN.sub(mask, text)
    if "://" in text:
        text = _USER_INFO.sub(f"://{mask}@", text)
        text = _SSH_USER_INFO.sub(rf"://\1{mask}@", text)
    if "=" in text:
        text = _AWS_SIGNATURE.sub(f"Signature={mask}", text)
        text = _QUERY.sub(rf"\1{mask}", text)
    hide_value = _hide_value(mask)
    text = _FLAG.sub(hide_value, _NAMED.sub(hide_value, text))
    return _SCHEME.sub(_scheme(mask), text)


def is_secret(name: str, value: str) -> bool:
    """Whether ``value`` as a whole is a secret because of the name that it stands under, as in a JSON object."""
    if not value or not _SECRET_NAME.search(name):
        return False
    return not (value in _MASKS or value.lower() in _NO_VALUES or _is_about(name, value))


Substitute = Callable[[re.Match[str]], str]


def _scheme(mask: str) -> Substitute:
    """``Bearer …``, but not "basic authentication"."""
    return lambda found: found[0] if found[2].isalpha() and found[2].islower() else f"{found[1]}{mask}"


def _hide_value(mask: str) -> Substitute:
    """What a secret's name is followed by, unless that is no value."""

    def substitute(found: re.Match[str]) -> str:
        kind = found.lastindex
        if kind == _NAME or kind is None:
            return found[0]
        value = found[kind]
        if value[0] in _QUOTES:
            bare = value.lstrip("\\")
            value = bare[1:] if bare[:1] in ('"', "'") else value
        return found[0] if not value or _stays(found, value) else f"{found[0][: -len(value)]}{mask}"

    return substitute


def _stays(found: re.Match[str], value: str) -> bool:
    """Whether the value is no secret: hidden already, a plain word, a count, or what a parser complains of."""
    if value.startswith(_MASKS):
        after = value[len(HIDDEN if value.startswith(HIDDEN) else _MASKS[-1]) :]
        # Other parameters of a URL were read before.
        return after.startswith("&") or not (after[:1].isalnum() or "=" in after or ":" in after)
    if "=" in value or ":" in value:  # which may be another secret's name and value
        return False
    if value.rstrip(".!)").lower() in _NO_VALUES or _is_about(found[_NAME], value):
        return True
    start = found.start()
    return found.string[max(0, start - len(_UNEXPECTED)) : start].lower() == _UNEXPECTED


def _is_about(name: str, value: str) -> bool:
    """Whether the name is that of a count, or of what is about a secret: ``tokens: 5``, ``secretRef: expo``."""
    ending = name[-6:].lower()
    return ending.endswith(_ABOUT) or (value.isdigit() and ending.endswith("s"))
