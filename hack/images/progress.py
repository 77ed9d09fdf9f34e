"""What a person sees of a build: a line for each step, with its time, and the end of the log when one fails."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from hack import estimate

_TAIL = 30
_SHOWN = 100
_NOTABLE_SECONDS = 5.0
"""A step that took less came from a cache, or needs no estimate."""


class BuildError(Exception):
    """Something that the person at the terminal can act on; shown as it is, without a traceback."""


class Step:
    """One step under way: runs programs, shows their last telling line, keeps the whole output in the log."""

    def __init__(self, title: str, log: Path, status: Status | None) -> None:
        self._title, self._log, self._status = title, log, status
        self._began, self._told = time.monotonic(), 0.0
        self.note = ""

    def run(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> list[str]:
        """Run a program to its end and return what it printed; a failure carries the end of that."""
        printed: list[str] = []
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"\n$ {' '.join(command)}\n")
            with subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=env or os.environ,
            ) as process:
                for line in process.stdout or ():
                    log.write(line)
                    printed.append(line.rstrip())
                    self._show(line.strip())
        if process.returncode != 0:
            shown = "\n".join(f"  {line}" for line in printed[-_TAIL:])
            told, code = f"{self._title}: `{command[0]}`", process.returncode
            if code < 0:
                # It could not say why: the signal is the reason, and stands last.
                ended = f"was ended by {signal.Signals(-code).name}"
                raise BuildError(f"full log: {self._log}; its last lines:\n{shown}\n{told} {ended}")
            raise BuildError(f"{told} ended with {code}; full log: {self._log}; it ends with\n{shown}")
        return printed

    def _show(self, line: str) -> None:
        # buildah's "--> …" closes a step; what is under way is told by the line before.
        if not line or line.startswith("-->"):
            return
        rest = estimate.remaining(f"image {self._title}", time.monotonic() - self._began)
        title = self._title + (f" (about {estimate.duration(rest)} left)" if rest is not None else "")
        if self._status is not None:
            self._status.update(f"{escape(title)} [dim]{escape(line[:_SHOWN])}[/dim]")
        elif estimate.is_read() and time.monotonic() - self._told > 1:
            self._told = time.monotonic()
            estimate.tell(f"{title}: {line[:_SHOWN]}")


class Progress:
    """Where the lines go. Step lines are printed once finished, so that they read well in a CI log too."""

    def __init__(self, log: Path, console: Console | None = None) -> None:
        self._log = log
        self._console = console or Console(stderr=True, highlight=False)

    def fresh_log(self) -> None:
        """Begin the log anew: for the holder of the lock, so that no waiting run empties another's log."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._log.write_text("", "utf-8")

    def say(self, line: str) -> None:
        """Print a line of its own."""
        self._console.print(escape(line), soft_wrap=True)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show a step while it runs, and how long it took when it is over."""
        if not self._console.is_terminal:
            self._console.print(f"… {escape(title)}")
        with self._console.status(escape(title)) as status, self._timed(title, status) as step:
            yield step

    @contextmanager
    def aside(self, title: str) -> Iterator[Step]:
        """Run a step beside another one, which keeps the moving line: this one speaks when it is over."""
        with self._timed(title, None) as step:
            yield step

    @contextmanager
    def _timed(self, title: str, status: Status | None) -> Iterator[Step]:
        began = time.monotonic()
        step = Step(title, self._log, status if self._console.is_terminal else None)
        yield step
        took = time.monotonic() - began
        if took > _NOTABLE_SECONDS:
            estimate.record(f"image {title}", took)
        line = f"[green]✓[/green] {escape(title)} [dim]{took:.1f} s[/dim] {escape(step.note)}"
        self._console.print(line.rstrip())
