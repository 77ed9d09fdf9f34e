"""How the tests with the real eas-cli run an attempt and ask the stand-in what came of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publishbuild.runner.result import PROGRESS_MARK, RunResult
from tests.standins.run_with_forwarder import DEFAULTS
from tests.support.waiting import until

EAS_PORT = 3000
# Long enough for most statuses to be seen, short enough for a test.
STAGES = {"new": 0, "in_queue": 0.5, "in_progress": 0.5, "submission_in_queue": 0, "submission_in_progress": 0.5}
_STARTED: list[subprocess.Popen[str]] = []
API = f"http://127.0.0.1:{EAS_PORT}/standin"


@dataclass(frozen=True)
class Standins:
    """Where the stand-ins are."""

    http_port: int
    https_port: int
    certificate: Path

    def get(self, what: str) -> Any:
        """What the stand-in EAS API counts: ``counts``, ``builds``, ``operations``."""
        with urllib.request.urlopen(f"{API}/{what}", timeout=10) as answer:  # noqa: S310 - our own server
            return json.load(answer)

    def post(self, what: str, body: dict[str, Any]) -> None:
        """Steer it: ``settings``, ``release``, ``reset``."""
        request = urllib.request.Request(f"{API}/{what}", json.dumps(body).encode(), method="POST")  # noqa: S310
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - our own server

    def fail(self, *faults: dict[str, Any]) -> None:
        """Let it misbehave (see the stand-in's `Fault`)."""
        self.post("settings", {"faults": list(faults)})

    def paid(self) -> tuple[int, int]:
        """How many builds and submissions were asked for."""
        counts = self.get("counts")
        return counts["builds"], counts["submissions"]

    def wait_until_held(self, operation: str) -> None:
        """Until a request of this operation is held."""
        until(lambda: operation in self.get("held"), seconds=60, what=f"{operation} is held")


@dataclass(frozen=True)
class Ended:
    """How an attempt ended."""

    exit_code: int
    output: str
    result: RunResult

    @property
    def progress_lines(self) -> list[str]:
        """The progress lines as printed."""
        return [line for line in self.output.splitlines() if line.startswith(PROGRESS_MARK)]

    @property
    def progress(self) -> list[RunResult]:
        """The progress lines, in order."""
        return [told for line in self.progress_lines if (told := RunResult.from_progress(line))]

    @property
    def reason(self) -> str | None:
        """Why it failed."""
        return self.result.failure.reason if self.result.failure else None


def environment_for(standins: Standins, eas_cli: Path, folder: Path, uid: str, **more: str) -> dict[str, str]:
    """A pod's environment on this host. Of the host's own, only what finds programs."""
    return {
        **DEFAULTS,
        "PATH": os.environ["PATH"],
        "EAS_CLI": str(eas_cli),
        "GIT_SSL_CAINFO": str(standins.certificate),
        "PUBLISHBUILD_UID": uid,
        "PUBLISHBUILD_NAME": "example",
        "PUBLISHBUILD_NAMESPACE": "default",
        "PUBLISHBUILD_SOURCE_URL": f"https://localhost:{standins.https_port}/example-app.git",
        "PUBLISHBUILD_SOURCE_REVISION": "main",
        "PUBLISHBUILD_WORKDIR": str(folder / "workspace"),
        "PUBLISHBUILD_TERMINATION_LOG": str(folder / "termination-log"),
        "PUBLISHBUILD_POLL_SECONDS": "0.2",
        **more,
    }


def start_attempt(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    """Start an attempt as the pod would."""
    command = (sys.executable, "-m", "publishbuild.runner", *arguments)
    _STARTED.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
    return _STARTED[-1]


def run_attempt(environment: dict[str, str], folder: Path, *arguments: str) -> Ended:
    """Run an attempt to its end."""
    return end_of(start_attempt(environment, *arguments), folder)


def end_of(runner: subprocess.Popen[str], folder: Path) -> Ended:
    """Wait for the end of an attempt, and read what it left behind."""
    output, _ = runner.communicate(timeout=240)
    result = RunResult.from_message((folder / "termination-log").read_text())
    assert result is not None, output
    return Ended(runner.returncode, output, result)


def kill_pod(runner: subprocess.Popen[str]) -> None:
    """SIGKILL for the attempt and all that it started, as when a pod's processes go with their namespace."""
    for pid in [runner.pid, *_descendants(runner.pid)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    runner.communicate(timeout=30)


def kill_leftovers() -> None:
    """After a test that failed half-way: no attempt of it may disturb the next."""
    while _STARTED:
        runner = _STARTED.pop()
        if runner.poll() is None:
            kill_pod(runner)
        assert runner.stdout is not None
        runner.stdout.close()


def _descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    # A child may have been started by any thread of its parent.
    own = [int(child) for task in children.parents[1].glob("*/children") for child in task.read_text().split()]
    return own + [deeper for child in own for deeper in _descendants(child)]
