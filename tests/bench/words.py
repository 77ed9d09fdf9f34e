"""What the worst words of a pod cost the operator: ``python -m tests.bench.words``.

Each unit is repeated until the text is as long as asked for. Measured is the process's CPU, the least of some runs, so
that whoever else is on the machine counts little.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from publishbuild.decide.pod_words import redacted_words
from publishbuild.redaction import redacted

RUNS = 5
KIB = 1024
UNITS = (
    "token", "token ", "token=", "token=a ", 'token="', "token='", 'token=\\"', "--token ", "--token x ", "-token",
    "a:", "://", "://a@", "http://a:b@c/", "-----BEGIN ",
    "-----BEGIN PRIVATE KEY-----", "PRIVATE KEY ", "bearer aaaaaaaaa ",
    "eyJ-", "eyJaaaaaaaa.", "ghp_aaaaaaaaaaaaa ", "?token=a&", "&a=", "&", "[", '{"a":', "a", " ", "\n", "=", "_", "é",
    'storePassword="***" ', "unexpected token: x ",
)  # fmt: skip


def reports(length: int) -> list[str]:
    """Reports whose strings are many, or one that is long."""
    many = [json.dumps({"a": [unit * (length // 550 // len(unit) + 1)] * 500})[:length] for unit in UNITS]
    return many + [json.dumps({"logTail": unit * (length // len(unit) // 2)})[:length] for unit in UNITS]


def milliseconds(work: Callable[[str], str], text: str) -> float:
    """CPU of one run."""
    took = []
    for _ in range(RUNS):
        started = time.process_time()
        work(text)
        took.append(time.process_time() - started)
    return min(took) * 1000


def main() -> None:
    """Print the worst text of each length, and what it costs with and without the bound."""
    for kib in (4, 16, 32, 64):
        texts = [(unit * (kib * KIB // len(unit) + 1))[: kib * KIB] for unit in UNITS]
        everything, text = max((milliseconds(redacted, text), text) for text in texts)
        print(f"{kib} KiB, read as a whole: {everything:.2f} ms of {text[:20]!r}…")
        bound, text = max((milliseconds(redacted_words, text), text) for text in [*texts, *reports(kib * KIB)])
        print(f"{kib} KiB, as the operator reads it: {bound:.2f} ms of {text[:40]!r}…")


if __name__ == "__main__":
    main()
