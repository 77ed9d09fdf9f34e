"""What `make demo` shows of builds, which on a cluster of the user's own may be anybody's words."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from hack.demo.show import follow, summary
from tests.builders import Object
from tests.support.hostile_cluster import FAILED, PUBLISHED, builds_saying
from tests.support.hostile_texts import HOSTILE, MARK, unsafe

OURS = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[lh]|[0-9]*A|2K)|\r(?=\x1b\[2K|\n)")


def ended(text: str) -> list[Object]:
    return [build for build in builds_saying(text) if build["metadata"]["name"] in {FAILED, PUBLISHED}]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("is_terminal", [True, False])
def test_no_text_is_more_than_text(name: str, is_terminal: bool) -> None:
    """Neither the table that lives nor the summary lets a text act on the terminal, as markup or by itself."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=is_terminal, width=400)
    follow(console, lambda: ended(HOSTILE[name]), seconds=5)
    summary(console, ended(HOSTILE[name]))
    assert MARK in out.getvalue()
    assert unsafe(OURS.sub("", out.getvalue())) == []
    assert "]8;" not in out.getvalue() or name == "hyperlink"
