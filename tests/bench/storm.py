"""Many builds at once: how fast they are launched, and how fast they go through, beside the same Jobs made bare."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from publishbuild import names
from publishbuild.cluster.objects import JOBS
from publishbuild.decide.job_manifest import job_manifest
from publishbuild.models.spec import PublishBuildSpec
from tests.bench.load import Load, Watching
from tests.bench.spent import Spent, spent
from tests.support.fast_kube import path_of
from tests.support.kube import Kube
from tests.support.manifests import a_manifest
from tests.support.operator_process import OperatorProcess
from tests.support.rig import Rig
from tests.support.waiting import until

Object = dict[str, Any]
IMAGE = "publishbuild-runner:pretended"
_SECONDS = 300
# Of a build that succeeds at once: Queued, Started and Succeeded; the Job's creation and its time to live.
_EVENTS, _JOB_WRITES = 3, 2


@dataclass(frozen=True)
class Storm:
    """One storm: builds a second, and what the operator spent on each; None where there was no operator."""

    rate: float
    spent: Spent | None = None


def bare_launches(rig: Rig, count: int) -> Storm:
    """The same Jobs, created by a client that does nothing else: from the first to the last that a watch shows."""
    load, path = Load(rig.kubeconfig, rig.folder), path_of(rig.kube.namespace, resource=JOBS)
    with load.watch(path, count) as watching:
        load.send("POST", path, bare_jobs(rig.kube, count, "hold"))
        return Storm(spread_out(watching.seen()))


def launches(rig: Rig, count: int) -> Storm:
    """``count`` builds wait in a paused namespace; from the first to the last Job once it goes on."""
    kube, load = rig.kube, Load(rig.kubeconfig, rig.folder)
    kube.kubectl("annotate", "namespace", kube.namespace, f"{names.ANNOTATION_PAUSED}=true")
    operator = rig.operator(max_concurrent=count)
    load.send("POST", path_of(kube.namespace), _manifests(count, "hold"))
    until(lambda: in_phase(kube, "Queued") == count, seconds=_SECONDS, what="all are queued", pause=1)
    _until_quiet(rig, operator)
    before = spent(operator, rig.redis)
    with load.watch(path_of(kube.namespace, resource=JOBS), count) as jobs:
        kube.kubectl("annotate", "namespace", kube.namespace, f"{names.ANNOTATION_PAUSED}-")
        rate = spread_out(jobs.seen())
    until(lambda: in_phase(kube, "Running") == count, seconds=_SECONDS, what="all are reported", pause=0.5)
    return Storm(rate, spent(operator, rig.redis).since(before, count))


def bare_lifecycles(rig: Rig, count: int) -> Storm:
    """The same Jobs made bare: from the first creation to the last completion."""
    load, path = Load(rig.kubeconfig, rig.folder), path_of(rig.kube.namespace, resource=JOBS)
    with load.watch(path, count) as made, load.watch(path, count, "Complete", "Failed") as ended:
        load.send("POST", path, bare_jobs(rig.kube, count, "succeed"))
        return Storm(_through(made, ended))


def lifecycles(rig: Rig, count: int) -> Storm:
    """``count`` builds are applied at once: from the first apply to the last terminal status."""
    load, path = Load(rig.kubeconfig, rig.folder), path_of(rig.kube.namespace)
    operator = rig.operator(max_concurrent=count)
    before = spent(operator, rig.redis)
    with load.watch(path, count) as made, load.watch(path, count, "Succeeded") as ended:
        load.send("POST", path, _manifests(count, "succeed"))
        rate = _through(made, ended)

    def all_told() -> bool:
        since = spent(operator, rig.redis).since(before, count)
        return since.events >= _EVENTS and since.job_writes >= _JOB_WRITES

    until(all_told, seconds=60, what="all Events are posted and all Jobs have their time to live", pause=0.5)
    return Storm(rate, spent(operator, rig.redis).since(before, count))


def _until_quiet(rig: Rig, operator: OperatorProcess) -> None:
    """Wait until all that is to be said of who waits is said: 500 that wait are at rest before their launch."""
    writes = spent(operator, rig.redis).writes

    def is_quiet() -> bool:
        nonlocal writes
        before, writes = writes, spent(operator, rig.redis).writes
        return before == writes

    until(is_quiet, seconds=_SECONDS, what="the operator writes no more", pause=3)


def _through(made: Watching, ended: Watching) -> float:
    ends = ended.seen()
    return len(ends) / (max(ends.values()) - min(made.seen().values()))


def in_phase(kube: Kube, phase: str) -> int:
    """How many builds of the namespace are in ``phase``."""
    return sum(1 for build in kube.all_builds() if build.get("status", {}).get("phase") == phase)


def spread_out(seen: dict[str, float]) -> float:
    """How many a second, from the first to the last."""
    return (len(seen) - 1) / (max(seen.values()) - min(seen.values()))


def _manifests(count: int, outcome: str) -> list[Object]:
    return [a_manifest(f"bench-{number}", outcome=outcome) for number in range(count)]


def bare_jobs(kube: Kube, count: int, outcome: str) -> list[Object]:
    """The Jobs that the operator would make of the same builds, without their owners, which are not there."""
    made = []
    for manifest in _manifests(count, outcome):
        spec = PublishBuildSpec.model_validate(manifest["spec"])
        uid = str(uuid.uuid4())
        name = manifest["metadata"]["name"]
        job = job_manifest(namespace=kube.namespace, name=name, uid=uid, spec=spec, default_image=IMAGE)
        del job["metadata"]["ownerReferences"]
        made.append(job)
    return made
