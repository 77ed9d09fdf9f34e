"""One function of the command writes to people, and no text is ever taken for a format."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.ways_out import formats, styled_texts, writes

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "operator" / "publishbuild"
CLI = sorted((PACKAGE / "cli").rglob("*.py"))
# `terminal` writes; `console` is what it writes coloured lines with.
WRITERS = {PACKAGE / "cli" / "terminal.py", PACKAGE / "cli" / "console.py"}
STYLED = PACKAGE / "cli" / "views" / "styled.py"
OURS = sorted(path for folder in (PACKAGE, ROOT / "hack", ROOT / "charts") for path in folder.rglob("*.py"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [path for path in CLI if path not in WRITERS], ids=named)
def test_nothing_else_writes(path: Path) -> None:
    """Each module of the command but the one whose task it is leaves writing to that one."""
    assert writes(path.read_text()) == []


@pytest.mark.parametrize("path", [*(path for path in CLI if path != STYLED), ROOT / "hack/demo/show.py"], ids=named)
def test_nothing_else_makes_coloured_text(path: Path) -> None:
    """Coloured lines are made where others' words are made printable, and nowhere from markup."""
    assert styled_texts(path.read_text()) == []


@pytest.mark.parametrize("path", OURS, ids=named)
def test_no_text_is_a_format(path: Path) -> None:
    """Nothing is filled in by a method of a text, which looks into values and may itself be a build's one day."""
    assert formats(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "print('a')",
        "import typer\ntyper.echo('a')",
        "import click\nclick.secho('a')",
        "from click import echo as say\nsay('a')",
        "import sys\nsys.stdout.write('a')",
        "import sys\nout = sys.stderr",
        "from sys import stdout",
        "from rich import print",
        "from rich.console import Console\nConsole()",
        "import rich.live\nrich.live.Live(x)",
        "def f(console): console.print('a')",
        "import os\nos.write(1, b'a')",
        "import logging\nlogging.StreamHandler()",
        "import traceback\ntraceback.print_exc()",
    ],
)
def test_a_hidden_way_out_is_found(source: str) -> None:
    """The first test is worth something: each way to write past the function is seen."""
    assert writes(source)


@pytest.mark.parametrize(
    "source", ["Text('a')", "rich.text.Text('a')", "Text.assemble('a')", "Text.from_markup('a')", "from_ansi('a')"]
)
def test_hidden_colours_are_found(source: str) -> None:
    """The second test is worth something, too."""
    assert styled_texts(source)


@pytest.mark.parametrize(
    "source",
    [
        "text.format(x=1)",
        "text.format_map(values)",
        "f = text.format",
        "string.Formatter().vformat(text, (), values)",
        "text % values",
        "'%s' % value",
    ],
)
def test_a_hidden_format_is_found(source: str) -> None:
    """So is the third; what divides is no format."""
    assert formats(source)
    assert formats("seconds % 60") == []
