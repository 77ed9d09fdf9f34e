"""Runs one program to its end: no shell, no stdin, its lines in the log as they come, stopped with its children."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from publishbuild.runner.failures import AttemptFailed, FailureClass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from structlog.typing import FilteringBoundLogger

GRACE_SECONDS = 5
CHECK_SECONDS = 0.2
_PR_SET_DUMPABLE = 4


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


def hide_from_children() -> None:
    """Keep ``/proc/PID/environ`` and the memory of this process from others of the same user, where Linux can."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


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

    The program lives in a thread of its own: SIGTERM raises in the main thread at any moment, and there it can
    neither lose a program that was half started nor leave one behind.

    Raises:
        AttemptFailed: the program cannot be started (no retry helps) or took longer than ``timeout`` seconds (one may).
    """
    stop = threading.Event()
    thread = ThreadPoolExecutor(max_workers=1)
    logs = (None if quiet or quiet_stdout else log, None if quiet else log)
    try:
        life = thread.submit(_live, command, cwd, environment, logs, time.monotonic() + timeout, stop)
        # Again and again: a signal that comes just before a wait without end would be handled only after it.
        while not wait({life}, CHECK_SECONDS).done:
            pass
        return life.result()
    finally:
        stop.set()
        thread.shutdown(wait=True)


def _live(
    command: Sequence[str],
    cwd: Path,
    environment: Mapping[str, str],
    logs: tuple[FilteringBoundLogger | None, FilteringBoundLogger | None],
    deadline: float,
    stop: threading.Event,
) -> Finished:
    """The program's whole life: start, read, wait for its end or for ``stop`` or the deadline, clean up."""
    child = _start(command, cwd, environment)
    spoken: tuple[list[str], list[str]] = ([], [])
    readers = [
        threading.Thread(target=_read, args=(stream, lines, log, Path(command[0]).name), daemon=True)
        for stream, lines, log in zip((child.stdout, child.stderr), spoken, logs, strict=True)
    ]
    for reader in readers:
        reader.start()
    while child.poll() is None and not stop.is_set() and time.monotonic() < deadline:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(CHECK_SECONDS)
    ended_by_itself = child.poll() is not None
    _stop(child)
    for reader in readers:
        reader.join(GRACE_SECONDS)
    if not ended_by_itself:
        message = f"{' '.join(command[:2])} did not end in time"
        raise AttemptFailed(FailureClass("CommandTimeout", message, retryable=True))
    return Finished(child.returncode, "".join(spoken[0]), "".join(spoken[1]))


def _start(command: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
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
    except OSError as error:
        message = f"{command[0]} cannot be started: {error.strerror}"
        raise AttemptFailed(FailureClass("ProgramMissing", message, retryable=False)) from None


def _read(stream: IO[str] | None, lines: list[str], log: FilteringBoundLogger | None, program: str) -> None:
    assert stream is not None  # noqa: S101 - both streams are pipes
    with stream:
        for line in stream:
            lines.append(line)
            if log is not None and line.strip():
                log.info(line.rstrip(), output=program)


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
