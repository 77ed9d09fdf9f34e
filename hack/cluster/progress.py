"""Tells a person what goes on and how far it is; on a pipe, one line at a time."""

import subprocess
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

console = Console(stderr=True, highlight=False)
QUIET_STEP = 15.0
"""Without a terminal, progress is a line every so many seconds."""


def note(text: str) -> None:
    """One line about what happens next."""
    console.print(f"[dim]cluster:[/] {text}", soft_wrap=True)


def counted(command: list[str], title: str, total: int, *, cwd: Path, env: dict[str, str], log: Path) -> int:
    """Run a command that prints one line for each step done, show how many are, return its exit code.

    The total is an upper bound: steps whose results the compiler still has are not told again.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} packages"),
    )
    with (
        log.open("w", encoding="utf-8") as file,
        Progress(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal) as bar,
        subprocess.Popen(
            command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        task, done, told = bar.add_task(title, total=total), 0, 0.0
        try:
            for line in process.stdout or ():
                file.write(line)
                done += not line.startswith(("#", "go: ", "\t"))
                bar.update(task, completed=min(done, total))
                if not console.is_terminal and time.monotonic() - told > QUIET_STEP:
                    told = time.monotonic()
                    note(f"{title}: {done} of at most {total} packages")
        except BaseException:
            process.kill()  # whoever interrupts us does not wait minutes for what nobody wants any more
            raise
        return process.wait()
