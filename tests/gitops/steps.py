"""The shell steps of the pipeline examples, taken out of their YAML and run as their tools run them."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.gitops.programs import EXAMPLES
from tests.support.cluster import KUBECTL

REVISION = "9d3f0a8b1c2e4d5f6a7b8c9d0e1f2a3b4c5d6e7f"
_TEKTON = re.compile(r"\$\(params\.([a-z]+)\)")
_ACTIONS = re.compile(r"\$\{\{ ([a-z_.A-Z]+) \}\}")


@dataclass(frozen=True)
class Step:
    """One script with the environment that its tool gives it. ``when`` is its condition, "" for always."""

    script: str
    shell: tuple[str, ...]
    environment: Mapping[str, str]
    when: str = ""

    @contextmanager
    def started(self, folder: Path) -> Iterator[subprocess.Popen[str]]:
        """Run it beside the test, with nothing of the test's own environment but the way to programs."""
        file = folder / "step.sh"
        file.write_text(self.script, encoding="utf-8")
        file.chmod(0o700)
        path = f"{KUBECTL.parent}{os.pathsep}{os.environ['PATH']}"
        with subprocess.Popen(
            [*self.shell, str(file)],
            env={"PATH": path, "HOME": str(folder), **self.environment},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # its kubectl would wait for hours

    def run(self, folder: Path) -> tuple[int, str]:
        """Exit code and output."""
        with self.started(folder) as process:
            return ended(process)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and output of a step that was started, once it has ended by itself."""
    output, _ = process.communicate(timeout=120)
    return process.returncode, output


def tekton_step(kubeconfig: Path, **given: str) -> Step:
    """The step of the Task, with these parameters and the defaults of the others."""
    spec = yaml.safe_load((EXAMPLES / "tekton" / "task.yaml").read_text(encoding="utf-8"))["spec"]
    values = {param["name"]: param["default"] for param in spec["params"] if "default" in param} | given
    [step] = spec["steps"]
    environment = {entry["name"]: _TEKTON.sub(lambda hit: values[hit[1]], entry["value"]) for entry in step["env"]}
    assert "$(" not in step["script"].replace("$(printf", "").replace("$(kubectl", ""), "parameters belong in env"
    return Step(step["script"], (), {**environment, "KUBECONFIG": str(kubeconfig)})


@dataclass
class WorkflowRun:
    """One run of the workflow's job: what steps write to ``$GITHUB_ENV`` is there for those that come after."""

    folder: Path
    secrets: Mapping[str, str]
    overrides: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        text = (EXAMPLES / "github-actions" / "publish.yaml").read_text(encoding="utf-8")
        self._job = yaml.safe_load(text)["jobs"]["publish"]
        self._added = self.folder / "github-env"
        self._added.touch()

    def step(self, name: str) -> Step:
        """The step of that name, as it would be started now."""
        [step] = [found for found in self._job["steps"] if found["name"] == name]
        environment = {
            **{key: self._resolved(value) for key, value in {**self._job["env"], **self.overrides}.items()},
            **{key: self._resolved(value) for key, value in step.get("env", {}).items()},
            **dict(line.split("=", 1) for line in self._added.read_text(encoding="utf-8").splitlines()),
            "RUNNER_TEMP": str(self.folder),
            "GITHUB_ENV": str(self._added),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
        }
        return Step(step["run"], ("bash", "-e"), environment, step.get("if", ""))

    def _resolved(self, value: str) -> str:
        known = {
            "github.server_url": "https://github.com",
            "github.repository": "acme/app",
            "github.sha": REVISION,
            **{f"secrets.{name}": secret for name, secret in self.secrets.items()},
        }
        return _ACTIONS.sub(lambda hit: known[hit[1]], value)
