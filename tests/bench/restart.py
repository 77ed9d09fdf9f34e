"""An operator that starts with thousands of builds: when it launches the first, what it holds, what it burns idle."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from publishbuild.cluster.objects import JOBS
from publishbuild.decide.conditions import Verdict, conditions
from publishbuild.models.status import PublishBuildStatus
from publishbuild.names import Phase
from tests.bench.load import Load
from tests.builders import COMMIT, JOB_UID, NOW, at
from tests.support.fast_kube import path_of
from tests.support.manifests import a_manifest
from tests.support.operator_process import OperatorProcess
from tests.support.rig import Rig
from tests.support.waiting import until

Object = dict[str, Any]
# So many run at once; the rest of those that have not ended waits.
LIMIT = 10
IDLE_SECONDS = 30.0
_SETTLED = 0.05


@dataclass(frozen=True)
class Restart:
    """Seconds from the start of the process to its first launch, MiB of RSS then, and the share of a core when idle."""

    first_launch: float
    rss: float
    idle_cpu: float
    list_seconds: float
    """How long ``kubectl get pb`` takes meanwhile."""


def restart(rig: Rig, *, ended: int, waiting: int) -> Restart:
    """Start an operator on ``ended`` builds that have ended and ``waiting`` that wait."""
    builds_before_start(rig, ended=ended, waiting=waiting)
    with Load(rig.kubeconfig, rig.folder).watch(path_of(rig.kube.namespace, resource=JOBS), 1) as first:
        began = time.time()
        operator = rig.operator(max_concurrent=LIMIT)
        launched = min(first.seen().values()) - began
    until_idle(operator, seconds=60 + waiting / 5)
    rss, before = operator.metric("process_resident_memory_bytes") / 1024 / 1024, cpu(operator)
    time.sleep(IDLE_SECONDS)
    idle = (cpu(operator) - before) / IDLE_SECONDS
    began = time.time()
    rig.kube.kubectl("get", "pb", "--no-headers")
    return Restart(launched, rss, idle, time.time() - began)


def builds_before_start(rig: Rig, *, ended: int, waiting: int) -> None:
    """Make what an operator finds at its start."""
    load, path = Load(rig.kubeconfig, rig.folder), path_of(rig.kube.namespace)
    load.send("POST", path, [a_manifest(f"ended-{number}") for number in range(ended)])
    load.send("PATCH", path, [_ended(f"ended-{number}") for number in range(ended)], suffix="/status")
    load.send("POST", path, [a_manifest(f"waiting-{number}", outcome="hold") for number in range(waiting)])


def until_idle(operator: OperatorProcess, *, seconds: float) -> None:
    """Wait until the operator has nothing to do: what waits is shown its place first, twenty builds at a time."""

    def is_idle() -> bool:
        before = cpu(operator)
        time.sleep(2)
        return cpu(operator) - before < 2 * _SETTLED

    until(is_idle, seconds=seconds, what="the operator is idle", pause=1)


def cpu(operator: OperatorProcess) -> float:
    """Seconds of CPU time so far."""
    return operator.metric("process_cpu_seconds_total")


def _ended(name: str) -> Object:
    """The status of a build that has succeeded, as the operator writes it."""
    said = Verdict("True", "Succeeded", "published at attempt 1")
    status = PublishBuildStatus(
        observed_generation=1,
        phase=Phase.SUCCEEDED,
        attempts=1,
        start_time=NOW,
        completion_time=at(600),
        conditions=conditions((), said, generation=1, now=at(600)),
    ).to_wire()
    status |= {
        "queue": {"enqueuedTime": "2025-06-01T12:00:00.000000Z"},
        "job": {"name": f"pb-{name}-0a1b2c3d", "uid": JOB_UID},
        "source": {"commit": COMMIT},
        "builds": [_remote(platform, "builds") | {"appVersion": "1.0.0"} for platform in ("ios", "android")],
        "submissions": [_remote(platform, "submissions") for platform in ("ios", "android")],
    }
    return {"metadata": {"name": name}, "status": status}


def _remote(platform: str, kind: str) -> Object:
    url = f"https://expo.dev/accounts/acme/projects/app/{kind}/{JOB_UID}"
    place = {"logsURL": url} if kind == "builds" else {"url": url}
    return {"platform": platform, "id": JOB_UID, "status": "FINISHED"} | place
