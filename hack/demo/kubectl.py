"""``kubectl`` against one namespace of one cluster."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
Object = dict[str, Any]


class KubectlError(RuntimeError):
    """kubectl refused; the text is its own last line."""


@dataclass(frozen=True)
class Kubectl:
    """How to reach the cluster: by the local cluster's kubeconfig, or by a context of the user's own."""

    namespace: str
    kubeconfig: Path | None = None
    context: str | None = None

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Standard output of ``kubectl ARGUMENTS``.

        Raises:
            KubectlError: where it ended with anything but 0.
        """
        # A kuberc of the user's own could make it ask, or delete something else than is said here.
        environment = {**os.environ, "KUBECTL_KUBERC": "false"}
        done = subprocess.run(
            [*self._command(), *arguments],
            input=stdin or "",
            env=environment,
            text=True,
            capture_output=True,
            check=False,
            cwd=ROOT,
        )
        if done.returncode:
            raise KubectlError(done.stderr.strip() or f"kubectl {arguments[0]} ended with {done.returncode}")
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
