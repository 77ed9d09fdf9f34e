"""How the tests with the real eas-cli run an attempt and ask the stand-in what came of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from publishbuild.runner.result import RunResult
from tests.standins.run_with_forwarder import DEFAULTS

if TYPE_CHECKING:
    from pathlib import Path

EAS_PORT = 3000
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
        """Steer it: ``settings``, ``reset``."""
        request = urllib.request.Request(f"{API}/{what}", json.dumps(body).encode(), method="POST")  # noqa: S310
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - our own server


@dataclass(frozen=True)
class Ended:
    """How an attempt ended."""

    exit_code: int
    output: str
    result: RunResult


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


def start_attempt(environment: dict[str, str]) -> subprocess.Popen[str]:
    """Start an attempt as the pod would."""
    return subprocess.Popen(
        (sys.executable, "-m", "publishbuild.runner"), env=environment, stdout=subprocess.PIPE, text=True
    )


def run_attempt(environment: dict[str, str], folder: Path) -> Ended:
    """Run an attempt to its end."""
    runner = start_attempt(environment)
    output, _ = runner.communicate(timeout=240)
    result = RunResult.from_message((folder / "termination-log").read_text())
    assert result is not None, output
    return Ended(runner.returncode, output, result)
