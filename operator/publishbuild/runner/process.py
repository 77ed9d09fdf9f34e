"""Runs one program to its end: no shell, no stdin, its lines in the log as they come, stopped with its children."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from publishbuild.runner.failures import AttemptFailed, FailureClass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from structlog.typing import FilteringBoundLogger

GRACE_SECONDS = 5


@dataclass(frozen=True)
class Finished:
    """How a program ended and all that it printed (not redacted: it is parsed, never shown)."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """Both streams, for those who look for words in them."""
        return f"{self.stderr}\n{self.stdout}"


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    log: FilteringBoundLogger,
    timeout: float,
    quiet: bool = False,
    quiet_stdout: bool = False,
) -> Finished:
    """Run ``command``; its output goes to the log line by line, as it comes.

    ``quiet_stdout``: not its stdout, which is JSON for us to read; ``quiet``: nothing, the caller logs what matters.

    Raises:
        AttemptFailed: the program is missing (no retry helps) or took longer than ``timeout`` seconds (one may).
    """
    try:
        child = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # so that it can be stopped together with its children
        )
    except FileNotFoundError:
        raise AttemptFailed(FailureClass("ProgramMissing", f"{command[0]} is not installed", retryable=False)) from None
    spoken: tuple[list[str], list[str]] = ([], [])
    readers = [
        threading.Thread(target=_read, args=(stream, lines, log, command[0], silent), daemon=True)
        for stream, lines, silent in (
            (child.stdout, spoken[0], quiet or quiet_stdout),
            (child.stderr, spoken[1], quiet),
        )
    ]
    for reader in readers:
        reader.start()
    try:
        child.wait(timeout)
    except subprocess.TimeoutExpired:
        message = f"{' '.join(command[:2])} did not end within {timeout:.0f} s"
        raise AttemptFailed(FailureClass("CommandTimeout", message, retryable=True)) from None
    finally:
        _stop(child)
        for reader in readers:
            reader.join(GRACE_SECONDS)
    return Finished(child.returncode, "".join(spoken[0]), "".join(spoken[1]))


def _read(stream: IO[str] | None, lines: list[str], log: FilteringBoundLogger, program: str, silent: bool) -> None:
    assert stream is not None  # noqa: S101 - both streams are pipes
    with stream:
        for line in stream:
            lines.append(line)
            if not silent and line.strip():
                log.info(line.rstrip(), output=os.path.basename(program))  # noqa: PTH119 - a name, no file


def _stop(child: subprocess.Popen[str]) -> None:
    """End the program and what it started, kindly first."""
    for kind in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, kind)
        except (ProcessLookupError, PermissionError):
            break
        if child.poll() is not None:
            continue
        try:
            child.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
