"""`docs/cli.md`: every command of ``publishbuild`` with its options, from the command itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import typer
from typer.main import get_command

from hack.docs.markdown import code, heading_link, plain, table
from publishbuild.cli.main import app

NAME = "publishbuild"
_BY_HAND = "\b"
_HEAD = f"""\
# The command line

Every command of `{NAME}`, as `--help` tells it. It is also installed as `kubectl-{NAME}`, so that `kubectl {NAME} …`
works. This page is made from the code by `make generate`; do not edit it.
"""


def commands_page(application: typer.Typer = app) -> str:
    """The page as Markdown."""
    # typer's own classes of commands and parameters are not typed.
    root: Any = get_command(application)
    commands = list(_commands(root, typer.Context(root, info_name=NAME)))
    listed = [
        (heading_link(code(context.command_path), context.command_path), _short(command))
        for command, context in commands
    ]
    overview = table(("command", "what it does"), listed[1:])
    return "\n\n".join([_HEAD.strip(), overview, *(_section(*command) for command in commands)]) + "\n"


def _commands(command: Any, context: typer.Context) -> Iterator[tuple[Any, typer.Context]]:
    """``command`` and all below it, each with the context that knows its full name."""
    yield command, context
    for name, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from _commands(inner, typer.Context(inner, info_name=name, parent=context))


def _section(command: Any, context: typer.Context) -> str:
    usage = f"{context.command_path} {' '.join(command.collect_usage_pieces(context))}"
    parts = [f"## {context.command_path}", _prose(command.help), f"```text\n{usage}\n```"]
    records = [parameter.get_help_record(context) for parameter in command.params]
    if rows := [(code(record[0]), plain(record[1])) for record in records if record]:
        parts.append(table(("option", "meaning"), rows))
    parts.append(_prose(command.epilog))
    return "\n\n".join(part for part in parts if part)


def _short(command: Any) -> str:
    return plain(inspect.cleandoc(command.help or "").split("\n\n")[0])


def _prose(text: str | None) -> str:
    """Help text: paragraphs as such, and as it stands what a backspace marks as laid out by hand."""
    paragraphs = inspect.cleandoc(text or "").split("\n\n")
    return "\n\n".join(_paragraph(paragraph) for paragraph in paragraphs if paragraph.strip())


def _paragraph(text: str) -> str:
    if not text.startswith(_BY_HAND):
        return plain(text)
    return f"```text\n{text.removeprefix(_BY_HAND).strip()}\n```"
