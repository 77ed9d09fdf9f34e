"""Texts that a tenant may have an object, a report or a log say, to play tricks on whoever reads them."""

from __future__ import annotations

import re

MARK = "HERE"
"""Stands in each of the texts, so that a test can see that the text was shown at all."""

HOSTILE = {
    "clipboard": f"\x1b]52;c;ZXZpbA==\x07{MARK}",
    "clear-screen": f"\x1b[2J\x1b[H{MARK}",
    "title": f"\x1b]0;root@prod\x07{MARK}",
    "eight-bit-csi": f"\x9b2J\x9b1;1H{MARK}",
    "eight-bit-clipboard": f"\x9d52;c;ZXZpbA==\x9c{MARK}",
    "device-string": f"\x1bP+q544e\x1b\\{MARK}",
    "answer-back": f"\x1b[6n\x1b[c\x05{MARK}",
    "other-screen": f"\x1b[?1049h{MARK}\x1b[?25l",
    "hyperlink": f"\x1b]8;;file:///etc/passwd\x1b\\{MARK}\x1b]8;;\x1b\\",
    "concealed": f"\x1b[8m{MARK}\x1b[0m",
    "torn-escape": f"{MARK}\x1b",
    "carriage-return": f"{MARK} failed\rall is well",
    "backspace": f"{MARK} failed\b\b\b\b\b\bworked",
    "new-row": f"{MARK}\nother-1   Succeeded\r\nother-2   Succeeded",
    "tab": f"{MARK}\tSucceeded\t1",
    "vertical-space": f"{MARK}\x0b\x0cother",
    "other-line-ends": f"{MARK}\x85row\u2028row\u2029row\x1crow",
    "right-to-left": f"{MARK}\u202egpj.exe\u202c",
    "isolate": f"{MARK}\u2066\u2067\u2069\u200e\u200f\u061c",
    "invisible": f"{MARK}\u200b\ufeff\u2060\xad\U000e0041\U000e007f",
    "nul": f"{MARK}\x00\x7f",
    "globals": f"{MARK}{{platform.each.__globals__}}",
    "braces": f"https://x/{{y}}/{MARK}{{}}{{0}}",
    "percent": f"%s%(name)s%n%1000000d{MARK}",
    "markup": f"[link=file:///etc/passwd]{MARK}[/link] [red on red]",
}

UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e00ff]"
)
"""What a terminal acts on, or what turns, hides or ends the text around it."""


def unsafe(written: str) -> list[str]:
    """What of ``written``, apart from the ends of its lines, may not reach a terminal."""
    return UNSAFE.findall(written.replace("\n", ""))
