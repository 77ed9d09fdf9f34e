"""KEDA as a process of this machine: its operator and its resources, built and taken from its own Go module.

It runs without its metrics server and its webhooks, which a ScaledJob does not need.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

from hack.cluster.go_builds import built, sources
from tests.support.ports import free_port
from tests.support.rig import Rig
from tests.support.waiting import until

Object = dict[str, Any]
MODULES = Path(__file__).parent / "go"
# As the cluster's own controllers have it: its default of 20 requests a second would be all that is measured.
_REQUESTS = 2000
# Beyond the interval between two polls; by default nothing, so that a batch of Jobs is cut off after a second.
_BATCH_TIMEOUT = "60s"


class Keda:
    """One KEDA operator for the rig's first namespace, its resources in the cluster; use it in a ``with`` block."""

    def __init__(self, rig: Rig) -> None:
        self._kube, self._folder, self._kubeconfig = rig.kube, rig.folder / "keda", rig.kubeconfig
        self._module = sources("keda", "github.com/kedacore/keda/v2", MODULES)
        self._port = free_port()

    @property
    def log(self) -> Path:
        """What it says."""
        return self._folder / "keda.log"

    @property
    def version(self) -> str:
        """As its module has it, such as v2.21.0."""
        return self._module.name.rpartition("@")[2]

    def __enter__(self) -> Self:
        resources = str(self._module / "config" / "crd" / "bases")
        self._kube.kubectl("apply", "--server-side", "-f", resources)
        self._kube.kubectl("wait", "--for=condition=Established", "-f", resources)
        self._folder.mkdir()
        self._certificates()
        self._process = self._start()
        try:
            until(self._answers, seconds=60, what=f"KEDA is ready; its log: {self.log}", pause=0.2)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)

    def create(self, scaled_job: Object) -> None:
        """Create it, and wait until KEDA says that it polls."""
        self._kube.kubectl("create", "-f", "-", stdin=json.dumps(scaled_job))
        name = f"scaledjob/{scaled_job['metadata']['name']}"
        self._kube.kubectl("wait", "--for=condition=Ready", name, "--timeout=60s")

    def _certificates(self) -> None:
        """For the service that its metrics server would ask; it does not start without."""
        subprocess.run([built("pki"), self._folder, "127.0.0.1"], check=True)
        for ending in ("crt", "key"):
            shutil.copy(self._folder / f"server.{ending}", self._folder / f"tls.{ending}")

    def _start(self) -> subprocess.Popen[bytes]:
        namespace = self._kube.namespace
        command = [
            str(program()),
            f"--kube-api-qps={_REQUESTS}",
            f"--kube-api-burst={_REQUESTS}",
            "--enable-prometheus-metrics=false",
            f"--health-probe-bind-address=127.0.0.1:{self._port}",
            f"--metrics-service-bind-address=127.0.0.1:{free_port()}",
            f"--cert-dir={self._folder}",
            f"--ca-dir={self._folder}",
        ]
        environment = {
            "KUBECONFIG": str(self._kubeconfig),
            "WATCH_NAMESPACE": namespace,
            "POD_NAMESPACE": namespace,
            "KEDA_CLUSTER_OBJECT_NAMESPACE": namespace,
            "KEDA_KUBERNETES_API_TIMEOUT": _BATCH_TIMEOUT,
        }
        with self.log.open("wb") as out:
            return subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)

    def _answers(self) -> bool:
        assert self._process.poll() is None, f"KEDA ended: {self.log.read_text()[-2000:]}"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False


def program() -> Path:
    """Where its operator is, built if it was not before."""
    return built("keda", MODULES)
