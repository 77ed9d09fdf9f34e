"""The pages that are made from the code tell all that it has, and show it as it stands."""

from __future__ import annotations

from typing import Annotated

import pytest
import typer
from markdown import Markdown
from pydantic import BaseModel

from hack.docs.commands import commands_page
from hack.docs.fields import fields_page
from hack.docs.markdown import heading_link, plain, table
from publishbuild.cli.main import app
from publishbuild.models.spec import PublishBuildSpec
from publishbuild.models.status import PublishBuildStatus


@pytest.mark.parametrize(("path", "model"), [("spec", PublishBuildSpec), ("status", PublishBuildStatus)])
def test_every_field_has_a_row(path: str, model: type[BaseModel]) -> None:
    """Each field of spec and status has a row in the section of its object."""
    section = fields_page().split(f"\n## {path}\n")[1].split("\n## ")[0]
    for field in model.model_fields.values():
        assert f"`{field.alias}`" in section


def test_a_field_tells_its_default_and_its_limits() -> None:
    """What the API server sets and what it refuses stand beside the field."""
    [row] = [line for line in fields_page().splitlines() if line.startswith("| `backoffLimit`")]
    assert "| `3` |" in row
    assert "0 to 10" in row


def test_every_command_has_a_section() -> None:
    """No command of `publishbuild` is missing."""
    page = commands_page()
    for command in app.registered_commands:
        name = command.name or (command.callback.__name__ if command.callback else "")
        assert f"\n## publishbuild {name}\n" in page


def test_commands_of_any_depth_are_told() -> None:
    """Groups, arguments, options, hand-made examples and angle brackets are shown; hidden commands are not."""
    outer, inner = typer.Typer(), typer.Typer()
    outer.add_typer(inner, name="group")

    @outer.callback()
    def _root() -> None: ...

    @inner.command(epilog="\b\nExamples:\n  publishbuild group verb <x>")
    def verb(
        name: str, style: Annotated[str, typer.Option("--style", "-s", help="One of a|b, not <c>.")] = "a"
    ) -> None:
        """Do it."""

    @outer.command(hidden=True)
    def secret() -> None: ...

    page = commands_page(outer)
    assert "\n## publishbuild group verb\n" in page
    assert "One of a\\|b, not &lt;c>." in page
    assert "```text\nExamples:\n  publishbuild group verb <x>\n```" in page
    assert "secret" not in page


def test_text_shows_as_it_stands() -> None:
    """Characters that Markdown would take for its own are escaped, but not in code."""
    text = "a_b*c | <d> [e]\n`f_g` `<h|i_j_k>`"
    cell = Markdown(extensions=["tables"]).convert(table(["x"], [[plain(text)]]))
    assert "<td>a_b*c | &lt;d&gt; [e] <code>f_g</code> <code>&lt;h|i_j_k&gt;</code></td>" in cell


def test_a_heading_is_linked_as_github_names_it() -> None:
    """Lower case, no punctuation, hyphens for spaces."""
    assert heading_link("x", "spec.runner.env[] of it") == "[x](#specrunnerenv-of-it)"


def test_a_table_has_a_row_each() -> None:
    """Head, rule, then the rows."""
    assert table(("a", "b"), [("1", "2")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
