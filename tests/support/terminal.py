"""A program on a terminal of its own, and what stands on that terminal."""

from __future__ import annotations

import fcntl
import itertools
import os
import pty
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import pyte
from rich.style import Style
from rich.text import Text

from tests.support.waiting import until

COLUMNS, LINES = 100, 40


class Terminal:
    """``command`` on a terminal of 100 columns and 40 lines; use it in a ``with`` block."""

    def __init__(self, command: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> None:
        self._screen: Any = _untyped(pyte).Screen(COLUMNS, LINES)
        self._stream: Any = _untyped(pyte).ByteStream(self._screen)
        self._sent = b""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={**environment, "TERM": "xterm-256color"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(10)
        os.close(self._master)

    def text(self) -> str:
        """What stands on the screen now."""
        self._take_in()
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    def sent(self) -> bytes:
        """All that the terminal was sent, whatever it made of it."""
        self._take_in()
        return self._sent

    def styled(self) -> Text:
        """The same with its colours."""
        self._take_in()
        lines = [self._styled_line(row) for row in range(LINES)]
        while lines and not lines[-1].plain:
            lines.pop()
        return Text("\n").join(lines)

    def _styled_line(self, row: int) -> Text:
        cells = [self._screen.buffer[row][column] for column in range(COLUMNS)]
        runs = itertools.groupby(cells, key=_style)
        line = Text.assemble(*(("".join(cell.data for cell in run), style) for style, run in runs))
        line.rstrip()
        return line

    def until(self, *words: str, seconds: float = 60) -> str:
        """The screen once all ``words`` are on it."""

        def look() -> str | None:
            text = self.text()
            return text if all(word in text for word in words) else None

        try:
            return until(look, seconds=seconds, what=f"{words} on the screen")
        except AssertionError as late:
            raise AssertionError(f"{late}; it shows:\n{self.text()}") from None

    def interrupt(self) -> None:
        """Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def wait_ended(self, seconds: float = 60) -> int:
        """The exit code, once it has ended; the screen is read meanwhile, so that it cannot hang on writing."""
        ended = until(self._ended, seconds=seconds, what="the program ends")
        self._take_in()
        return ended - 1

    def _ended(self) -> int | None:
        self._take_in()
        code = self._process.poll()
        return None if code is None else code + 1  # 0 is no answer to `until`

    def _take_in(self) -> None:
        while select.select([self._master], [], [], 0)[0]:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # the program has ended
                return
            if not data:
                return
            self._sent += data
            self._stream.feed(data)


def _style(cell: Any) -> Style:
    colour = None if cell.fg == "default" else {"brown": "yellow"}.get(cell.fg, cell.fg)
    return Style(color=colour, bold=cell.bold)


def _untyped(module: Any) -> Any:
    return module
