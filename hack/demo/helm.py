"""``helm`` against one release of this repository's chart."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hack.demo.images import LOCAL
from hack.demo.kubectl import ROOT, Kubectl

CHART = ROOT / "charts" / "publishbuild-operator"
IMAGES = LOCAL.values
"""The chart's values for the images that `hack.images` makes."""


class HelmError(RuntimeError):
    """helm refused; the text is what it said."""


@dataclass(frozen=True)
class Helm:
    """One release, in the namespace and cluster of ``kubectl``."""

    kubectl: Kubectl
    release: str = "publishbuild-operator"

    def __call__(self, *arguments: str, values: Mapping[str, Any] | None = None) -> str:
        """Standard output of ``helm ARGUMENTS``; ``values`` are handed in as a file of values.

        Raises:
            HelmError: where it ended with anything but 0.
        """
        command = [*self._command(), *arguments]
        stdin = ""
        if values is not None:
            command += ["--values", "-"]
            stdin = json.dumps(values)
        done = subprocess.run(
            command, input=stdin, env=_environment(), text=True, capture_output=True, check=False, cwd=ROOT
        )
        if done.returncode:
            said = done.stderr.strip() or done.stdout.strip()
            raise HelmError(said or f"helm {arguments[0]} ended with {done.returncode}")
        return done.stdout

    def install(self, values: Mapping[str, Any], *, seconds: int) -> None:
        """Install or upgrade the chart and wait until all of it is ready.

        The CRD is one for the whole cluster: it is taken over from whoever installed it before.

        Raises:
            HelmError: it could not be installed, or was not ready in time.
        """
        wait = ("--wait", f"--timeout={seconds}s")
        self("upgrade", "--install", "--take-ownership", *wait, self.release, str(CHART), values=values)

    def _command(self) -> list[str]:
        own = ROOT / ".cluster" / "bin" / "helm"
        command = [str(own) if own.exists() else "helm", "--namespace", self.kubectl.namespace]
        if self.kubectl.kubeconfig:
            command += ["--kubeconfig", str(self.kubectl.kubeconfig)]
        if self.kubectl.context:
            command += ["--kube-context", self.kubectl.context]
        return command


def _environment() -> dict[str, str]:
    """Without what leads helm elsewhere: HELM_KUBEAPISERVER, for one, counts more than the kubeconfig that is named."""
    elsewhere = ("HELM_KUBE", "HELM_DRIVER", "HELM_NAMESPACE")
    return {name: value for name, value in os.environ.items() if not name.startswith(elsewhere)}


def merged(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Values laid over each other, as helm does with several files: the later wins, maps are merged."""
    made: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            both_maps = isinstance(value, Mapping) and isinstance(made.get(key), Mapping)
            made[key] = merged(made[key], value) if both_maps else value
    return made
