"""The order of many waiting builds: restored when Redis has lost it, and fair to a namespace that comes late."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis

from publishbuild.build_queue.redis_queue import EPOCH, MEMBERS, WAITING
from tests.support.fast_kube import FastKube
from tests.support.kube import Object
from tests.support.manifests import a_manifest
from tests.support.operator_process import OperatorProcess
from tests.support.rig import Rig
from tests.support.waiting import until

HOLDER = "holder"
# Given up after so many launches of the flood: the late one has not had its turn.
MOST_LAUNCHES = 20


@dataclass(frozen=True)
class Rebuilt:
    """What ``flushall`` did to ``waiting`` builds. Times are in seconds.

    ``whole`` is from ``flushall`` to a whole index, ``alone`` from the operator's notice to its end of the rebuild.
    """

    waiting: int
    whole: float
    alone: float
    same_order: bool
    same_members: bool


def rebuild(rig: Rig, count: int) -> Rebuilt:
    """Let ``count`` builds of all the rig's namespaces wait, empty Redis, and compare before and after.

    Raises:
        AssertionError: the builds did not all wait in time, or the index was not whole again in a minute.
    """
    operator = _with_one_place_taken(rig)
    kubes, each = rig.kubes, count // len(rig.kubes)
    flood = {kube.namespace: [a_manifest(priority=n % 5) for n in range(each)] for kube in kubes}
    asyncio.run(_create(rig, flood))
    total = each * len(kubes)
    with rig.redis.client() as client:
        _wait_in_line(operator, client, total)
        members, order = _members(client), _order(operator)
        notices = operator.events_logged("index rebuilt")
        began = time.monotonic()
        client.flushall()
        until(lambda: _is_whole(client, total), seconds=60, what="the index is whole again", pause=0.001)
        whole = time.monotonic() - began
        until(lambda: operator.events_logged("index rebuilt") > notices, seconds=10, what="the log says so")
        same_members, after = members == _members(client), datetime.now(UTC)
        again = until(lambda: _order(operator, since=after), seconds=60, what="the order as it is now")
        return Rebuilt(total, whole, _rebuild_alone(operator), order == again, same_members)


def launch_number_of_the_late_one(rig: Rig, flood: int) -> int:
    """Builds flood the first namespace, then one comes in the second: as which launch from there on it starts.

    Raises:
        AssertionError: it was not among the first `MOST_LAUNCHES`.
    """
    first, second = rig.kubes[:2]
    operator = _with_one_place_taken(rig)
    builds = {first.namespace: [a_manifest(seconds=1, backoffLimit=0) for _ in range(flood)]}
    asyncio.run(_create(rig, builds))
    second.apply(a_manifest("late", seconds=1))

    def all_wait() -> bool:
        assert operator.is_running(), f"the operator has ended; its log: {operator.tail()}"
        return len(_order(operator)) == flood + 1

    until(all_wait, seconds=600, what="all wait", pause=5)
    [holder] = first.pods()
    first.kubectl(
        "annotate", "--overwrite", f"pod/{holder['metadata']['name']}", "kwok.publishbuild.dev/outcome=succeed"
    )

    def number() -> int | None:
        # One at a time, each for a second: what is there when the late one starts came before it.
        launched, late = len(first.jobs()) - 1, bool(second.jobs())
        assert launched <= MOST_LAUNCHES, f"the late build was not among the first {launched} launches"
        return launched + 1 if late else None

    return until(number, seconds=120, what="the late one starts")


def _with_one_place_taken(rig: Rig) -> OperatorProcess:
    operator = rig.operator(max_concurrent=1)
    rig.kube.apply(a_manifest(HOLDER, outcome="hold", runTimeoutSeconds=86_400))
    rig.kube.wait_phase(HOLDER, "Running", seconds=60)
    until(rig.kube.pods, seconds=30, what="its pod is there")
    return operator


async def _create(rig: Rig, builds: dict[str, list[Object]]) -> None:
    async with FastKube(rig.kubeconfig) as kube, asyncio.TaskGroup() as tasks:
        for namespace, manifests in builds.items():
            tasks.create_task(kube.create(namespace, manifests))


def _wait_in_line(operator: OperatorProcess, client: redis.Redis, total: int) -> None:
    def all_wait() -> bool:
        # One that was starved until it lost its Lease has ended, and says so.
        assert operator.is_running(), f"the operator has ended; its log: {operator.tail()}"
        return _is_whole(client, total)

    # Redis is asked, since the operator has to compute the whole order for each answer of /v1/queue.
    until(all_wait, seconds=900, what=f"{total} members in Redis", pause=0.5)
    until(lambda: len(_order(operator)) == total, seconds=60, what=f"{total} builds wait", pause=2)


def _is_whole(client: redis.Redis, total: int) -> bool:
    with client.pipeline() as pipe:
        pipe.exists(EPOCH)
        pipe.zcard(WAITING)
        pipe.hlen(MEMBERS)
        return pipe.execute() == [1, total, total]


def _members(client: redis.Redis) -> tuple[Any, Any]:
    return client.zrange(WAITING, 0, -1, withscores=True), client.hgetall(MEMBERS)


def _order(operator: OperatorProcess, *, since: datetime | None = None) -> list[str]:
    """Uids of all that wait, in order; none where the operator does not know it, or not yet as it is ``since`` then."""
    queue = operator.queue()
    if queue is None or (since is not None and datetime.fromisoformat(queue["time"]) < since):
        return []
    return [build["uid"] for build in queue["waiting"]]


def _rebuild_alone(operator: OperatorProcess) -> float:
    """From the log, which gives both moments in microseconds."""
    logs = operator.logs()
    noticed = _last(logs, "the index in Redis is gone")
    return (_last(logs, "index rebuilt") - noticed).total_seconds()


def _last(logs: Iterable[dict[str, Any]], text: str) -> datetime:
    return max(datetime.fromisoformat(line["time"]) for line in logs if text in line["event"])
