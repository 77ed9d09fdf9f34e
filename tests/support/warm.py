"""``publishbuild`` as a process of its own that need not import itself: it is forked from `tests.support.warm_server`.

Everything else is as at a start from the command line: environment, folder, files, signals, exit code.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.support.warm_server import Request

ROOT = Path(__file__).resolve().parents[2]


class WarmProcess:
    """A program that runs, with the part of `subprocess.Popen` that tests use."""

    def __init__(self, told: socket.socket) -> None:
        self._told = told
        self.returncode: int | None = None
        said = told.recv(16)
        assert said, "the server of programs has ended: what is above says why"
        self.pid = int(said)

    def poll(self) -> int | None:
        """The exit code, None as long as it runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not ended in ``timeout`` seconds.
        """
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("publishbuild", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """``kill -9``."""
        self.send_signal(signal.SIGKILL)

    def _ended(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], seconds)[0]:
            self.returncode = int(self._told.recv(16))
            self._told.close()
        return self.returncode


class WarmServer:
    """Starts programs; use it in a ``with`` block."""

    def __enter__(self) -> Self:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-m", "tests.support.warm_server", str(theirs.fileno())]
            self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
        return self

    def __exit__(self, *_: object) -> None:
        self._control.close()
        self._process.wait(60)

    def start(
        self, *arguments: str, environment: Mapping[str, str], folder: Path, stdin: int, stdout: int, stderr: int
    ) -> WarmProcess:
        """Start ``publishbuild`` with these arguments, the whole environment, and files for its streams."""
        request = Request(arguments=list(arguments), environment=dict(environment), folder=str(folder))
        told, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            files = [stdin, stdout, stderr, theirs.fileno()]
            socket.send_fds(self._control, [json.dumps(request).encode()], files)
        return WarmProcess(told)

    def run(
        self, *arguments: str, environment: Mapping[str, str], folder: Path, stdin: str, seconds: float
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end, as `subprocess.run` does."""
        with (
            tempfile.TemporaryFile("w+") as given,
            tempfile.TemporaryFile("w+") as out,
            tempfile.TemporaryFile("w+") as err,
        ):
            given.write(stdin)
            given.seek(0)
            streams = {"stdin": given.fileno(), "stdout": out.fileno(), "stderr": err.fileno()}
            process = self.start(*arguments, environment=environment, folder=folder, **streams)
            try:
                code = process.wait(seconds)
            finally:
                process.kill()
                process.wait(10)
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(["publishbuild", *arguments], code, out.read(), err.read())
