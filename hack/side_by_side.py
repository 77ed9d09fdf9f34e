"""Programs that run beside each other: the first one that fails ends the others, and its reason is what remains.

Each runs in a session of its own, so that all that it started can be ended with it. A program's lines are shown under
its name as they come; of its transient lines (``hack.estimate``) the newest alone, on a terminal.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from hack.estimate import TRANSIENT, duration, reader_environment

ROOT = Path(__file__).resolve().parents[1]
_QUIET_SECONDS = 15.0
"""Without a terminal, a program's progress is a line every so many seconds."""
_END_SECONDS = 2.0
_LOOK_SECONDS = 0.1
_REASON_LINES = 20


class SideFailedError(Exception):
    """One of the programs failed; the text names it and ends with the last lines that it printed."""


@dataclass
class Side:
    """One program: a module of this repository and its arguments."""

    name: str
    command: Sequence[str]
    lines: list[str] = field(default_factory=list)
    newest: str = ""
    printed: str = ""
    seconds: float = 0.0
    ended_well: bool = False


def run(sides: Sequence[Side], console: Console) -> None:
    """Run all to their ends; their standard output is in ``printed`` then, their time in ``seconds``.

    Raises:
        SideFailedError: one failed; the others were ended, with all that they had started.
    """
    began = time.monotonic()
    running = [_Running(side, console) for side in sides]
    try:
        with Live(console=console, refresh_per_second=4, transient=True, auto_refresh=console.is_terminal) as live:
            while any(not each.ended() for each in running):
                failed = next((each for each in running if each.ended() and each.code), None)
                if failed:
                    break
                if console.is_terminal:
                    live.update(_now(running, time.monotonic() - began))
                time.sleep(_LOOK_SECONDS)
    finally:
        for each in running:
            each.end()
    if failed := next((each for each in running if each.failed_by_itself), None):
        raise SideFailedError(failed.reason())


class _Running:
    def __init__(self, side: Side, console: Console) -> None:
        self.side, self._console = side, console
        self._began, self._told = time.monotonic(), 0.0
        self._process = subprocess.Popen(
            [sys.executable, "-m", *side.command],
            cwd=ROOT,
            env=reader_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self.failed_by_itself = False
        streams = (self._process.stdout, self._keep), (self._process.stderr, self._show)
        self._readers = [threading.Thread(target=_each_line, args=stream, daemon=True) for stream in streams]
        for reader in self._readers:
            reader.start()

    @property
    def code(self) -> int | None:
        return self._process.returncode

    def ended(self) -> bool:
        if self._process.poll() is None:
            return False
        if not self.side.seconds:
            self.side.seconds = time.monotonic() - self._began
            self.failed_by_itself = self._process.returncode != 0
            self.side.ended_well = not self.failed_by_itself
        return True

    def end(self) -> None:
        """End it with all that it started; what has ended well has left nothing that needs ending."""
        if self.ended() and not self.failed_by_itself:
            self._join()
            return
        deadline = time.monotonic() + _END_SECONDS
        number: int = signal.SIGTERM
        # The group outlives a leader that was killed: what it had started is ended too.
        while _signal(self._process.pid, number):
            number = 0 if time.monotonic() < deadline else signal.SIGKILL
            self._process.poll()
            time.sleep(_LOOK_SECONDS)
        self._process.wait()
        self._join()

    def reason(self) -> str:
        code = self._process.returncode
        said = "\n".join(f"  {line}" for line in self.side.lines[-_REASON_LINES:])
        what = f"{self.side.name}: {' '.join(self.side.command[:2])}"
        if code < 0:
            # It could not say why: the signal is the reason, and stands last.
            return (f"Its last lines:\n{said}\n" if said else "") + f"{what} was ended by {signal.Signals(-code).name}"
        return f"{what} ended with {code}" + (f"; it said last:\n{said}" if said else "")

    def _keep(self, line: str) -> None:
        self.side.printed += line

    def _show(self, line: str) -> None:
        text = line.rstrip()
        if text.startswith(TRANSIENT):
            self.side.newest = text.removeprefix(TRANSIENT)
            if not self._console.is_terminal and time.monotonic() - self._told > _QUIET_SECONDS:
                self._told = time.monotonic()
                self._print(self.side.newest)
        elif text:
            self.side.lines.append(text)
            self._print(text)

    def _print(self, text: str) -> None:
        self._console.print(Text(f"{self.side.name:8} {text}"), soft_wrap=True)

    def _join(self) -> None:
        for reader in self._readers:
            reader.join(_END_SECONDS)
        for stream in (self._process.stdout, self._process.stderr):
            if stream and not any(reader.is_alive() for reader in self._readers):
                stream.close()


def _each_line(stream: IO[str] | None, take: Callable[[str], None]) -> None:
    for line in stream or ():
        take(line)


def _signal(group: int, number: int) -> bool:
    """Send a signal to a group of processes, 0 for none; whether the group has any left."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _now(running: Sequence[_Running], elapsed: float) -> Text:
    rows = [f"{each.side.name:8} {each.side.newest or 'begins'}" for each in running if not each.ended()]
    return Text("\n".join((*rows, f"{'':8} {duration(elapsed)} so far")), no_wrap=True, overflow="ellipsis")
