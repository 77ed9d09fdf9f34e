"""``kubectl`` against one namespace of one cluster."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
Object = dict[str, Any]
_LOG_LINE = re.compile(r"[IWEF]\d{4} \d\d:\d\d:\d\d")


class KubectlError(RuntimeError):
    """kubectl refused, or gave no answer; the text is its own last words."""


def last_words(said: str) -> str:
    """What kubectl says to people: without the log lines of its library, unless it says nothing else."""
    lines = said.strip().splitlines()
    return "\n".join([line for line in lines if not _LOG_LINE.match(line)] or lines)


@dataclass(frozen=True)
class Kubectl:
    """How to reach the cluster: by the local cluster's kubeconfig, or by a context of the user's own."""

    namespace: str
    kubeconfig: Path | None = None
    context: str | None = None

    def __call__(self, *arguments: str, stdin: str | None = None, seconds: float | None = None) -> str:
        """Standard output of ``kubectl ARGUMENTS``.

        Raises:
            KubectlError: where it ended with anything but 0, or not within ``seconds``.
        """
        command = [*self._command(), *arguments]
        # A kuberc of the user's own could make it ask, or delete something else than is said here.
        environment = {**os.environ, "KUBECTL_KUBERC": "false"}
        try:
            done = subprocess.run(
                command,
                input=stdin or "",
                env=environment,
                text=True,
                capture_output=True,
                check=False,
                cwd=ROOT,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            raise KubectlError(f"no answer in {seconds:.0f} s") from None
        if done.returncode:
            raise KubectlError(last_words(done.stderr) or f"kubectl {arguments[0]} ended with {done.returncode}")
        return done.stdout

    def get(self, *arguments: str) -> Object:
        """``kubectl get ARGUMENTS`` as objects."""
        found: Object = json.loads(self("get", *arguments, "-o", "json"))
        return found

    def _command(self) -> list[str]:
        own = ROOT / ".cluster" / "bin" / "kubectl"
        command = [str(own) if own.exists() else "kubectl", "--namespace", self.namespace]
        if self.kubeconfig:
            command += ["--kubeconfig", str(self.kubeconfig)]
        if self.context:
            command += ["--context", self.context]
        return command
