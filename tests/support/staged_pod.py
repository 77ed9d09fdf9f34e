"""Runs the pod of a Job's manifest as processes of this host, with the variables and mounts of its containers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from publishbuild import names
from publishbuild.decide.job_manifest import TOKEN_FILE, job_manifest
from publishbuild.models.spec import PublishBuildSpec
from publishbuild.runner.result import RunResult

UID = "uid"
CALLBACK_TOKEN = "canary-callback-51d0"
"""What the kubelet would lay into the runner's container alone."""
DEADLINE_SECONDS = 240


@dataclass(frozen=True)
class Ended:
    """How one container ended."""

    name: str
    exit_code: int
    output: str
    result: RunResult


@dataclass
class StagedPod:
    """The pod of ``spec``. ``image``: the image's own variables; ``secrets``: name -> key -> value."""

    folder: Path
    spec: Mapping[str, Any]
    image: Mapping[str, str]
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    callback_url: str = ""

    def containers(self) -> list[dict[str, Any]]:
        """Those of the manifest, in the order in which a kubelet starts them."""
        spec = PublishBuildSpec.model_validate(self.spec)
        made = job_manifest(
            namespace="ns", name="app", uid=UID, spec=spec, default_image="image", callback_url=self.callback_url
        )
        pod = made["spec"]["template"]["spec"]
        return [*pod.get("initContainers", ()), *pod["containers"]]

    def run(self) -> list[Ended]:
        """Run one container after the other until one fails."""
        ended: list[Ended] = []
        for container in self.containers():
            if not ended or ended[-1].exit_code == 0:
                ended.append(self.run_container(container))
        return ended

    def run_container(self, container: Mapping[str, Any]) -> Ended:
        """Run one container to its end."""
        log = self.folder / f"termination-log-{container['name']}"
        command = (sys.executable, "-m", "publishbuild.runner", *container.get("args", ()))
        done = subprocess.run(
            command,
            env=self.environment(container),
            stdout=subprocess.PIPE,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
        result = RunResult.from_message(log.read_text())
        assert result is not None, done.stdout
        return Ended(container["name"], done.returncode, done.stdout, result)

    def environment(self, container: Mapping[str, Any]) -> dict[str, str]:
        """The container's variables, with the folders of this host for those of the pod."""
        places = self.places(container)
        given = dict(self.image)
        for source in container.get("envFrom", ()):
            given |= self.secrets[source["secretRef"]["name"]]
        for variable in container["env"]:
            if "value" in variable:
                given[variable["name"]] = variable["value"]
            else:
                reference = variable["valueFrom"]["secretKeyRef"]
                given[variable["name"]] = self.secrets[reference["name"]][reference["key"]]
        for name, value in given.items():
            for path, place in places.items():
                if name.startswith("PUBLISHBUILD_") and (value == path or value.startswith(f"{path}/")):
                    given[name] = f"{place}{value.removeprefix(path)}"
        given["PUBLISHBUILD_TERMINATION_LOG"] = str(self.folder / f"termination-log-{container['name']}")
        given["THE_POD_SEES"] = os.pathsep.join(map(str, places.values()))
        return given

    def places(self, container: Mapping[str, Any]) -> dict[str, Path]:
        """The folder of this host for each mount of the container, made where it is missing."""
        found = {}
        for mount in container["volumeMounts"]:
            place = self.folder / "volumes" / mount["name"] / mount.get("subPath", "")
            place.mkdir(parents=True, exist_ok=True)
            if mount["name"] == names.VOLUME_TOKEN:
                (place / TOKEN_FILE).write_text(CALLBACK_TOKEN)
            if mount["name"] == "source-secret":
                name = self.spec["source"]["git"]["secretRef"]["name"]
                for key, value in self.secrets[name].items():
                    (place / key).write_text(value)
            found[mount["mountPath"]] = place
        return found
