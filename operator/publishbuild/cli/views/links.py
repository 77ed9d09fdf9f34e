"""Links that tools report: only what leads to a web page over https is shown as one."""

from __future__ import annotations

import re

# Without user and password, and in ASCII throughout: the host that is read is the host that is met.
_HTTPS = re.compile(r"https://[A-Za-z0-9](?:[A-Za-z0-9.-]*+)(?::[0-9]{1,5}+)?(?:[/?#][!-~]*+)?")


def is_link(url: str) -> bool:
    """Whether a person may be sent to ``url``."""
    return _HTTPS.fullmatch(url) is not None


def shown_link(url: str) -> str:
    """``url`` as it is read; of what is no link it says so, so that nobody takes a file, a script or a trap for one."""
    return url if is_link(url) else f'"{url}" (not an https link)'
