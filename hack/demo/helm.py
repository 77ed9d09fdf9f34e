"""``helm`` against one release of this repository's chart."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hack.demo.images import LOCAL
from hack.demo.kubectl import ROOT, Kubectl

CHART = ROOT / "charts" / "publishbuild-operator"
IMAGES = LOCAL.values
"""The chart's values for the images that `hack.images` makes."""
_LOCKED = "another operation (install/upgrade/rollback) is in progress"
_END_SECONDS = 10


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
        code, out, said = _run(command, stdin)
        if code:
            raise HelmError(self._with_remedy(said.strip() or out.strip() or f"helm {arguments[0]} ended with {code}"))
        return out

    def install(self, values: Mapping[str, Any], *, seconds: int, take_crd: bool = True) -> None:
        """Install or upgrade the chart and wait until all of it is ready.

        The CRD is one for the whole cluster: with ``take_crd`` it is taken over from whoever installed it before.

        Raises:
            HelmError: it could not be installed, or was not ready in time.
        """
        how = ("--wait", f"--timeout={seconds}s", *(("--take-ownership",) if take_crd else ()))
        self("upgrade", "--install", *how, self.release, str(CHART), values=values)

    @property
    def removal(self) -> str:
        """The command that removes the release."""
        return shlex.join([*self._command(), "uninstall", self.release, "--ignore-not-found", "--wait"])

    def _with_remedy(self, said: str) -> str:
        """A helm that was killed leaves its release locked, and only says so."""
        if _LOCKED not in said:
            return said
        return f"{said}: it goes on elsewhere, or was killed in the middle; then remove it and repeat: {self.removal}"

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


def _run(command: Sequence[str], stdin: str | None) -> tuple[int, str, str]:
    """Exit code, standard output and standard error; whoever is stopped meanwhile lets helm note that first."""
    pipe = subprocess.PIPE
    how: dict[str, Any] = {"stdin": pipe, "stdout": pipe, "stderr": pipe, "cwd": ROOT, "env": _environment()}
    with subprocess.Popen(command, text=True, **how) as process:
        try:
            out, said = process.communicate(stdin)
        except BaseException:
            process.terminate()
            try:
                process.communicate(timeout=_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
        return process.returncode, out, said


def merged(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Values laid over each other, as helm does with several files: the later wins, maps are merged."""
    made: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            both_maps = isinstance(value, Mapping) and isinstance(made.get(key), Mapping)
            made[key] = merged(made[key], value) if both_maps else value
    return made
