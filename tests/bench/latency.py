"""How long one build takes on an operator that has nothing else to do."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from publishbuild import names
from publishbuild.cluster.objects import JOBS
from tests.support.fast_kube import FastKube
from tests.support.kube import condition
from tests.support.manifests import a_manifest
from tests.support.rig import Rig

Object = dict[str, Any]


@dataclass(frozen=True)
class Latency:
    """Milliseconds of each build, in no order: ``launch`` from apply to Job, ``report`` from its end to the status."""

    launch: tuple[float, ...]
    report: tuple[float, ...]


def latency(rig: Rig, count: int) -> Latency:
    """``count`` builds, one after the other."""
    rig.operator(max_concurrent=10)
    return asyncio.run(_one_by_one(rig, count))


async def _one_by_one(rig: Rig, count: int) -> Latency:
    launch, report = [], []
    async with FastKube(rig.kubeconfig) as kube:
        seen = _Seen()
        namespace = rig.kube.namespace
        watches = [
            asyncio.create_task(_follow(kube, namespace, names.PLURAL, seen)),
            asyncio.create_task(_follow(kube, namespace, JOBS, seen)),
        ]
        try:
            for number in range(count):
                name = f"one-{number}"
                began = time.perf_counter()
                await kube.create(namespace, [a_manifest(name, seconds=0.2)])
                launched = await seen.moment(JOBS, name, "made")
                ended = await seen.moment(JOBS, name, "ended")
                told = await seen.moment(names.PLURAL, name, "ended")
                launch.append((launched - began) * 1000)
                report.append(max(0.0, told - ended) * 1000)
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)
    return Latency(tuple(launch), tuple(report))


class _Seen:
    def __init__(self) -> None:
        self._moments: dict[tuple[str, str, str], asyncio.Future[float]] = {}

    def note(self, resource: str, name: str, what: str) -> None:
        future = self._future(resource, name, what)
        if not future.done():
            future.set_result(time.perf_counter())

    async def moment(self, resource: str, name: str, what: str) -> float:
        async with asyncio.timeout(60):
            return await self._future(resource, name, what)

    def _future(self, *key: str) -> asyncio.Future[float]:
        resource, name, what = key
        return self._moments.setdefault((resource, name, what), asyncio.get_running_loop().create_future())


async def _follow(kube: FastKube, namespace: str, resource: str, seen: _Seen) -> None:
    ends = ("Succeeded",) if resource == names.PLURAL else ("Complete", "Failed")
    async for _, obj in kube.watch(namespace, resource):
        name = obj["metadata"]["name"] if resource == names.PLURAL else obj["metadata"]["labels"][names.LABEL_BUILD]
        seen.note(resource, name, "made")
        if any(condition(obj, kind).get("status") in {"True", "False"} for kind in ends):
            seen.note(resource, name, "ended")
