"""The `publishbuild` command as a process of its own: real exit codes, and no terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.support.terminal import Terminal
from tests.support.warm import WarmServer

_COMMAND = [sys.executable, "-m", "publishbuild.cli"]


@dataclass(frozen=True)
class Cli:
    """Called by a user whose kubeconfig is ``kubeconfig`` and who stands in ``folder``.

    With ``warm`` a command that is run to its end need not import itself.
    """

    kubeconfig: Path
    folder: Path
    warm: WarmServer | None = None
    _started: list[subprocess.Popen[str]] = field(default_factory=list)

    def __call__(
        self, *arguments: str, stdin: str | None = None, folder: Path | None = None, seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        if self.warm:
            return self.warm.run(
                *arguments,
                environment=self._environment(),
                folder=folder or self.folder,
                stdin=stdin or "",
                seconds=seconds,
            )
        return subprocess.run(
            [*_COMMAND, *arguments],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            cwd=folder or self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Run it beside the test, until it ends or `end` does it."""
        process = subprocess.Popen(
            [*_COMMAND, *arguments],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def end(self) -> None:
        """End all that were started, after a test that failed too."""
        for process in self._started:
            with process:
                process.kill()

    def on_terminal(self, *arguments: str) -> Terminal:
        """Run it on a terminal of its own."""
        return Terminal([*_COMMAND, *arguments], folder=self.folder, environment=self._environment())

    def _environment(self) -> dict[str, str]:
        return os.environ | {"KUBECONFIG": str(self.kubeconfig), "PYTHONUNBUFFERED": "1"}


def in_namespace(kubeconfig: Path, namespace: str, made: Path, *, token: str | None = None) -> Path:
    """``made``: a kubeconfig whose context names ``namespace``, for the user of ``token`` where it is given."""
    config = yaml.safe_load(kubeconfig.read_text())
    for context in config["contexts"]:
        context["context"]["namespace"] = namespace
    if token is not None:
        config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
    made.touch(mode=0o600)
    made.write_text(yaml.safe_dump(config))
    return made
