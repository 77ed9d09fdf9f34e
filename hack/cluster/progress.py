"""Tells a person what goes on and how far it is; on a pipe, one line at a time."""

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from hack import estimate

console = Console(stderr=True, highlight=False)
QUIET_STEP = 15.0
"""Without a terminal, progress is a line every so many seconds."""


def note(text: str) -> None:
    """One line about what happens next."""
    _say(text, "dim")


def complain(text: str) -> None:
    """One line about what is wrong."""
    _say(text, "red")


def _say(text: str, style: str) -> None:
    """Paths and programs' words are shown as they are, but for what would steer the terminal."""
    shown = "".join(sign if sign.isprintable() or sign == "\n" else repr(sign)[1:-1] for sign in text)
    console.print(Text.assemble(("cluster:", style), " ", shown), soft_wrap=True)


def counted(
    command: list[str], title: str, sizes: Mapping[str, int], *, cwd: Path, env: dict[str, str], log: Path
) -> int:
    """Run a compiler that prints the name of each package it compiles; show how far it is, return its exit code.

    Args:
        command: ``go build -v`` and its arguments.
        title: what is made.
        sizes: every package and the bytes of its source, by which its share of the work is judged. Packages that the
            compiler still has from before are not named again: then the time left is an upper bound.
        cwd: the module's folder.
        env: the compiler's environment.
        log: where all that it prints is kept.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TextColumn("{task.fields[left]}"),
    )
    whole = max(sum(sizes.values()), 1)
    began = told = time.monotonic()
    with (
        log.open("w", encoding="utf-8") as file,
        Progress(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal) as bar,
        subprocess.Popen(
            command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        task, done = bar.add_task(title, total=whole, left=""), 0
        try:
            for line in process.stdout or ():
                file.write(line)
                done += sizes.get(line.strip(), 0)
                elapsed = time.monotonic() - began
                wait = estimate.left(elapsed, done / whole)
                rest = f"about {estimate.duration(wait)} left" if wait is not None else ""
                bar.update(task, completed=done, left=rest)
                if not console.is_terminal and time.monotonic() - told > (1.0 if estimate.is_read() else QUIET_STEP):
                    told = time.monotonic()
                    so_far = f"{title}: {done * 100 // whole} %, {estimate.duration(elapsed)} so far"
                    (estimate.tell if estimate.is_read() else note)(f"{so_far}, {rest}" if rest else so_far)
        except BaseException:
            process.kill()  # whoever interrupts us does not wait minutes for what nobody wants any more
            raise
        return process.wait()
