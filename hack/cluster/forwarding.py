"""Runs one command for a caller that has to clean up after it, and forwards the signals that arrive meanwhile."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any, Self

from hack.cluster.places import ClusterError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
A_MOMENT = 1.0
"""Signals this close to each other (seconds) count as one: a terminal's, and that of a script that got it too."""


class Interrupted(KeyboardInterrupt):
    """A signal came before the command ran; it passes whatever handles errors, as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@dataclass(frozen=True)
class Command:
    """What is to be run, as whoever asked for it would have run it."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    umask: int = -1
    """-1 is this process's own."""


class SignalForwarder:
    """Use it in a ``with`` block: inside, SIGINT, SIGTERM and SIGHUP reach the command and do not end this process.

    ``deliver`` hands a signal to the process that was started, where another than that one has to get it.
    """

    def __init__(self, deliver: Callable[[subprocess.Popen[bytes], int], None] = subprocess.Popen.send_signal) -> None:
        self._deliver = deliver
        self._child: subprocess.Popen[bytes] | None = None
        self._begins = False
        self._told: list[int] = []
        self._last = float("-inf")
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in SIGNALS:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup stays in force
                self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def ignore_signals(self) -> None:
        """From here on no signal interrupts: the clean-up runs to its end."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def run(self, command: Command) -> int:
        """Run the command to its end; its exit code, 128 and the signal's number if a signal ended it.

        Raises:
            ClusterError: it cannot be started.
        """
        self._begins = True  # from now on a signal waits for the process that it is forwarded to
        try:
            self._child = subprocess.Popen(command.arguments, env=command.environment, umask=command.umask)
        except OSError as error:
            raise ClusterError(f"cannot run {command.arguments[0]}: {error.strerror}") from error
        for number in self._told:
            self._deliver(self._child, number)
        code = self._child.wait()
        return 128 - code if code < 0 else code

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._child:
            if (now := time.monotonic()) - self._last > A_MOMENT:
                self._last = now
                if not _terminal_told_all(number):
                    self._deliver(self._child, number)
        elif self._begins:
            self._told.append(number)
        else:
            raise Interrupted(number)


def _terminal_told_all(number: int) -> bool:
    """Whether a terminal sent this signal: then its whole foreground group got it, our command included."""
    if number == signal.SIGTERM:
        return False
    try:
        with open("/dev/tty", "rb") as terminal:  # noqa: PTH123  # a device
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False
