"""The only way out of the command: whatever it says goes through `write`, which no text of a tenant's outsmarts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from publishbuild.printable import printable

if TYPE_CHECKING:
    from rich.text import Text


def write(*lines: str | Text, stderr: bool = False, exact: bool = False) -> None:
    """Write each of ``lines`` on a line of its own; what a terminal would act on is written out (`printable`).

    ``exact``: for a program that reads stdout, lines as they are; on a terminal the same as without.
    """
    if exact and not sys.stdout.isatty():
        sys.stdout.writelines(f"{line}\n" for line in lines)
        sys.stdout.flush()
        return
    words = [line for line in lines if isinstance(line, str)]
    if len(words) == len(lines):
        typer.echo("\n".join(map(printable, words)), err=stderr)
        return
    from publishbuild.cli.console import terminal  # noqa: PLC0415  # most calls need no colours

    console = terminal(stderr=stderr)
    for line in lines:
        console.print(printable(line) if isinstance(line, str) else line)
